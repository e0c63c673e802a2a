"""Versions, drawn: the list of a family's, and the cells that it shares with the list of a segment's.

By f-strings, as the fleet is in `tables`: whatever somebody wrote goes through `text`, or through what does that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from html import escape as text
from typing import TYPE_CHECKING, Protocol

from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from apps.core import figures
from apps.core.drawn import badge, joined, person
from apps.core.looks import look_of
from apps.core.templatetags.portal import when

if TYPE_CHECKING:
    from datetime import date

    from apps.dashboard.queries.version_lists import ListedVersion
    from apps.dashboard.queries.versions import VersionLine
    from apps.registry.models import Evaluation, ModelFamily

READY, BASELINE = "READY", "baseline"
NOTHING = f'<span class="muted">{figures.NOTHING}</span>'
NOT_EVALUATED = '<span class="muted">Not evaluated</span>'


class Trained(Protocol):
    """A version, or what is known of one."""

    @property
    def kind(self) -> str: ...

    @property
    def trained_from(self) -> date | None: ...

    @property
    def trained_through(self) -> date | None: ...


def version_table(lines: Iterable[ListedVersion], *, family: ModelFamily, shared: Collection[str]) -> SafeString:
    """A line for each, with a box to tick; segments whose name is `shared` with others say their slug too."""
    segments = reverse("dashboard:family", args=[family.slug])
    return joined(_line(segments, line, line.version.model.its_segment.name in shared) for line in lines)


def version_cells(line: ListedVersion | VersionLine) -> SafeString:
    """What it was trained on, its metric as it said itself and as it was evaluated, whose it is and how old."""
    version = line.version
    pipeline = f'<span class="muted small">{text(version.pipeline)}</span>'
    reported = NOTHING if line.reported is None else f'<span class="muted">{figures.number(line.reported)}</span>'
    return mark_safe(  # noqa: S308
        f'<td data-label="Trained on">{trained_on(version)} {pipeline}</td>\n'
        f'<td class="num" data-label="Reported">{reported}</td>\n'
        f'<td class="num" data-label="Evaluated">{_evaluated(line.evaluation)}</td>\n'
        f'<td data-label="By">{person(version.created_by)}</td>\n'
        f'<td data-label="When">{when(version.created_at)}</td>'
    )


def trained_on(version: Trained) -> SafeString:
    """The days: `1 Jan – 31 Mar 2013`, the last alone where the first is not known; or that there were none."""
    first, last = version.trained_from, version.trained_through
    if last is None:
        words = "a baseline, not trained" if version.kind == BASELINE else "unknown days"
        return mark_safe(f'<span class="muted">{words}</span>')  # noqa: S308
    since = f"{first:%-d %b} – " if first else ""
    return mark_safe(f'<span class="nowrap">{since}{last:%-d %b %Y}</span>')  # noqa: S308


def loaded(line: ListedVersion | VersionLine, serves: bool) -> SafeString:
    """How many use a version, said where something else serves; empty where nobody does."""
    words = f"{'' if serves else 'still '}loaded by {line.loaded_by}"
    return mark_safe(badge("info", "download", words) if line.loaded_by else "")  # noqa: S308


def _line(segments: str, line: ListedVersion, is_shared: bool) -> str:
    version, segment = line.version, line.version.model.its_segment
    name, address = text(f"{segment} {version.label}"), f"{segments}{segment.slug}/v{version.number}/"
    which = f' <span class="muted small">{segment.slug}</span>' if is_shared else ""
    tick = f'name="versions" value="{version.pk}" aria-label="{name}{f" ({segment.slug})" if is_shared else ""}"'
    return (
        f'<tr><td class="check"><input type="checkbox" {tick}></td>\n'
        f'<th scope="row"><a href="{address}">{name}</a>{which} {_badges(line)}</th>\n'
        f"{version_cells(line)}</tr>\n"
    )


def _badges(line: ListedVersion) -> str:
    status = [] if line.version.status == READY else [_badge(line.version.status)]
    aliases = [_badge(name, name[:1].upper() + name[1:]) for name in line.aliases]
    return " ".join([*status, *aliases, loaded(line, bool(line.aliases))])


def _badge(status: str, words: str = "") -> str:
    look = look_of(status)
    return badge(look.tone, look.icon, words or look.label)


def _evaluated(evaluation: Evaluation | None) -> str:
    if evaluation is None:
        return NOT_EVALUATED
    on = f"{evaluation.window_last:%b %Y}, {evaluation.rows} rows"
    return f'<b>{figures.number(evaluation.candidate_metric)}</b> <span class="muted small">{on}</span>'
