"""The fields of a card in Google's four sections, and which of them a tier asks for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

DETAILS, PARAMETERS = "Model details", "Model parameters"
ANALYSIS, CONSIDERATIONS = "Quantitative analysis", "Considerations"
SECTIONS = (DETAILS, PARAMETERS, ANALYSIS, CONSIDERATIONS)


@dataclass(frozen=True)
class Field:
    """`recorded` ones come from the record alone: nobody types a metric."""

    name: str
    label: str
    help: str
    section: str
    recorded: bool = False


FIELDS = (
    Field("overview", "Overview", "What it is, in a sentence or two.", DETAILS),
    Field("owners", "Owners", "The team and who is on call.", DETAILS, recorded=True),
    Field("version", "Version", "Number, day and digest.", DETAILS, recorded=True),
    Field("licence", "Licence", "An SPDX identifier such as apache-2.0, or whose it is.", DETAILS),
    Field("references", "References", "Where to read more.", DETAILS),
    Field("architecture", "Architecture", "What kind of model it is.", PARAMETERS),
    Field("parameters", "Parameters", "What it was trained with.", PARAMETERS, recorded=True),
    Field("training_data", "Training data", "What it was trained on.", PARAMETERS),
    Field("evaluation_data", "Evaluation data", "The rows it was evaluated on.", PARAMETERS, recorded=True),
    Field("input_format", "Input", "The columns it asks for.", PARAMETERS, recorded=True),
    Field("output_format", "Output", "What it answers.", PARAMETERS, recorded=True),
    Field("performance", "Performance", "Evaluated, never reported.", ANALYSIS, recorded=True),
    Field("against_champion", "Against the champion", "On the same rows.", ANALYSIS, recorded=True),
    Field("against_baseline", "Against the plain baseline", "On the same rows.", ANALYSIS, recorded=True),
    Field("purpose", "Purpose", "What it is for, and what not.", CONSIDERATIONS),
    Field("users", "Users", "Who relies on it.", CONSIDERATIONS),
    Field("limits", "Limits", "Where it fails, or was never tried.", CONSIDERATIONS),
    Field("tradeoffs", "Trade-offs", "What was given up for what.", CONSIDERATIONS),
    Field("risks", "Risks", "Whom it could harm, and what is done about it.", CONSIDERATIONS),
)
EDITABLE = tuple(field for field in FIELDS if not field.recorded)
REQUIRED = {1: ("purpose", "users", "limits", "risks"), 2: ("purpose", "limits"), 3: ("purpose",), 4: ()}
"""By tier, of what only people know: the more a mistake costs, the more is asked."""


def required_fields(tier: int, asked: Sequence[str]) -> tuple[str, ...]:
    """What a card has to say: the family's own list, else what its tier asks for."""
    return tuple(asked) or REQUIRED[tier]


def merged(of_family: Mapping[str, str], of_version: Mapping[str, str]) -> dict[str, str]:
    """What people wrote: a version's own words before those of its family; without what is empty."""
    words = {**of_family, **{name: text for name, text in of_version.items() if text.strip()}}
    return {name: text for name, text in words.items() if text.strip()}


def digest_of(card: Mapping[str, str]) -> str:
    """Names what somebody saw before they edited it."""
    return hashlib.sha256(json.dumps(dict(card), sort_keys=True).encode()).hexdigest()[:16]
