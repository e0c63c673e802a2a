"""Cards as others read them: Hugging Face's Markdown with front matter, Google's model card toolkit JSON."""

from __future__ import annotations

from typing import Any

import yaml

from apps.registry.cards.composing import Card, Performance, Slice

SCHEMA_VERSION = "0.0.2"
REGRESSION, CLASSIFICATION = "tabular-regression", "tabular-classification"
NOT_SAID = "*Nobody has said it yet.*"


def as_markdown(card: Card) -> str:
    """Front matter with `model-index` as https://huggingface.co/docs/hub/model-cards has it, then the sections."""
    front = yaml.safe_dump(_front(card), sort_keys=False, allow_unicode=True, default_flow_style=False)
    parts = [f"---\n{front}---\n", f"# {card.facts.name}\n"]
    for title, said in card.sections:
        parts.append(f"## {title}\n")
        parts += [f"### {one.field.label}\n\n{one.text or NOT_SAID}\n" for one in said if one.text or one.required]
    if card.more:
        parts.append("## More\n")
        parts += [
            f"### {name.replace('_', ' ').capitalize()}\n\n{text or NOT_SAID}\n" for name, text in card.more.items()
        ]
    return "\n".join(parts)


def as_google(card: Card) -> dict[str, Any]:
    """Of the toolkit's schema 0.0.2; what nobody says is left out."""
    return _full(
        {
            "schema_version": SCHEMA_VERSION,
            "model_details": _details(card),
            "model_parameters": _parameters(card),
            "quantitative_analysis": {"performance_metrics": _metrics(card.facts.performance)},
            "considerations": _considerations(card),
        }
    )


def _front(card: Card) -> dict[str, Any]:
    found = card.facts.performance
    return _full(
        {
            "license": card.text("licence"),
            "library_name": card.facts.library,
            "tags": list(card.facts.tags),
            "datasets": list(card.facts.datasets),
            "metrics": [found.metric] if found else [],
            "model-index": [{"name": card.facts.model, "results": _results(card, found)}] if found else [],
        }
    )


def _results(card: Card, found: Performance) -> list[dict[str, Any]]:
    """One for each slice: Hugging Face has a result for each data set."""
    return [_result(card, found, one) for one in (found.own, *found.others)]


def _result(card: Card, found: Performance, one: Slice) -> dict[str, Any]:
    kind = CLASSIFICATION if found.classifies else REGRESSION
    name = " ".join(filter(None, [found.metric.upper(), found.unit and f"in {found.unit}"]))
    return {
        "task": {"type": kind, "name": card.facts.name},
        "dataset": {"name": f"{one.of}, {found.window}", "type": found.evaluator},
        "metrics": [{"type": found.metric, "value": one.value, "name": name}],
    }


def _details(card: Card) -> dict[str, Any]:
    facts, licence = card.facts, card.text("licence")
    spdx = licence and " " not in licence.strip()
    return {
        "name": facts.name,
        "overview": card.text("overview"),
        "owners": [{"name": owner} for owner in facts.owners],
        "version": {"name": facts.version, "date": facts.made_on.isoformat() if facts.made_on else ""},
        "licenses": [{"identifier" if spdx else "custom_text": licence}] if licence else [],
        "references": [{"reference": one} for one in card.text("references").replace("- ", "").splitlines()],
    }


def _parameters(card: Card) -> dict[str, Any]:
    data = (("training", card.text("training_data")), ("evaluation", card.text("evaluation_data")))
    return {
        "model_architecture": card.text("architecture"),
        "data": [{"name": name, "description": text} for name, text in data if text],
        "input_format": card.text("input_format"),
        "output_format": card.text("output_format"),
    }


def _metrics(found: Performance | None) -> list[dict[str, Any]]:
    if found is None:
        return []
    measured = [_metric(found.metric, one) for one in (found.own, *found.others)]
    if found.difference:
        measured.append(_metric(f"{found.metric} gain", found.difference))
    if found.baseline is not None:
        measured.append(_metric(found.metric, Slice(found.baseline_name or "plain baseline", found.baseline)))
    return measured


def _metric(kind: str, one: Slice) -> dict[str, Any]:
    bounds = {"lower_bound": one.lower, "upper_bound": one.upper} if one.lower is not None else {}
    return {"type": kind, "value": one.value, "slice": one.of, "confidence_interval": bounds}


def _considerations(card: Card) -> dict[str, Any]:
    described = {"users": "users", "use_cases": "purpose", "limitations": "limits", "tradeoffs": "tradeoffs"}
    said: dict[str, Any] = {
        name: [{"description": card.text(key)}] for name, key in described.items() if card.text(key)
    }
    risks = card.text("risks")
    return said | ({"ethical_considerations": [{"name": risks}]} if risks else {})


def _full(value: Any) -> Any:
    """Without what is empty."""
    if isinstance(value, dict):
        kept = {name: _full(one) for name, one in value.items()}
        return {name: one for name, one in kept.items() if one not in ("", None, {}, [])}
    return [_full(one) for one in value] if isinstance(value, list) else value
