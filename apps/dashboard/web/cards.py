"""Model cards: of a version, of a family, and as files that others read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.accounts.signed_in import person
from apps.core.downloads import text_download
from apps.core.web import PageRequest
from apps.dashboard.web.reading import family_of, frame, head
from apps.registry import queries as registry
from apps.registry.cards import as_google, as_markdown

if TYPE_CHECKING:
    from django.http import HttpResponse

    from apps.registry.cards import Card
    from apps.registry.models import ModelVersion

HISTORY_SHOWN = 20


@require_safe
def version_card(request: PageRequest, slug: str, segment: str, number: int) -> HttpResponse:
    version = _version(request, slug, segment, number)
    shown = {
        "version": version,
        "card": registry.card_of(actor=person(request), version=version),
        "history": registry.card_history(version)[:HISTORY_SHOWN],
        **frame(person(request), version.model.its_family),
    }
    return render(request, "dashboard/version_card.html", shown)


@require_safe
def version_card_file(request: PageRequest, slug: str, segment: str, number: int, kind: str) -> HttpResponse:
    version = _version(request, slug, segment, number)
    card = registry.card_of(actor=person(request), version=version)
    return _file(card, f"{slug}.{segment}-v{number}-card", kind)


@require_safe
def family_card(request: PageRequest, slug: str) -> HttpResponse:
    family = family_of(request, slug)
    shown = {
        "tab": "card",
        "card": registry.family_card(family),
        "history": registry.card_history(family)[:HISTORY_SHOWN],
        **head(person(request), family),
    }
    return render(request, "dashboard/family_card.html", shown)


@require_safe
def family_card_file(request: PageRequest, slug: str, kind: str) -> HttpResponse:
    return _file(registry.family_card(family_of(request, slug)), f"{slug}-card", kind)


def _version(request: PageRequest, slug: str, segment: str, number: int) -> ModelVersion:
    family = family_of(request, slug)
    return registry.version(actor=person(request), model=f"{family.slug}.{segment}", number=number)


def _file(card: Card, name: str, kind: str) -> HttpResponse:
    """`md`: Hugging Face's Markdown; `json`: of Google's model card toolkit."""
    if kind == "md":
        return text_download(as_markdown(card), name=f"{name}.md", kind="text/markdown")
    body = json.dumps(as_google(card), indent=2, ensure_ascii=False)
    return text_download(body, name=f"{name}.json", kind="application/json")
