"""The fleet, drawn: its map, a cell for each segment, and its table, a line for each.

By f-strings rather than by a template or `format_html`: those took longer for 224 cities than the whole page of an
empty family. So whatever somebody wrote goes through `text`; slugs, numbers and our own words do not.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from html import escape as text
from itertools import groupby
from typing import TYPE_CHECKING

from django.urls import reverse

from apps.core import figures
from apps.core.drawn import badge, joined
from apps.core.looks import look_of
from apps.core.templatetags.portal import icon

if TYPE_CHECKING:
    from django.utils.safestring import SafeString

    from apps.core.charts import Whisker
    from apps.core.figures import Delta
    from apps.dashboard.fleet import Cell, Heat, Row
    from apps.registry.models import ModelFamily
    from apps.retraining.queries import Alarm

NOTHING = '<span class="muted">–</span>'
STALE = f'{icon("triangle-alert", 12)}<span class="visually-hidden">stale, </span>'
RETRAINING = f" {badge('info', 'loader', 'Retraining')}"


@dataclass(frozen=True)
class Region:
    """The segments of a region as HTML, or all of them without a name."""

    name: str
    count: int
    lines: SafeString


@dataclass(frozen=True)
class Frame:
    """What the lines of all rows have in common: addresses, and which boxes are ticked (None: there are none)."""

    family: str
    segments: str
    signals: str
    ticked: Collection[str] | None


def fleet_map(heat: Heat, *, family: ModelFamily, has_boxes: bool) -> list[Region]:
    """A cell for each segment, to tick where it `has_boxes`."""
    segments = reverse("dashboard:family", args=[family.slug])
    return [
        Region(group.name, len(group.cells), joined(_cell(segments, cell, has_boxes) for cell in group.cells))
        for group in heat.groups
    ]


def fleet_table(
    rows: Sequence[Row], *, family: ModelFamily, ticked: Collection[str] | None, by_region: bool
) -> list[Region]:
    """Of the rows as they come; with `by_region` they come region by region."""
    frame = Frame(
        family=family.slug,
        segments=reverse("dashboard:family", args=[family.slug]),
        signals=reverse("retraining:signals"),
        ticked=ticked,
    )
    grouped = groupby(rows, key=lambda row: row.cell.region if by_region else "")
    return [_region(frame, name, list(some)) for name, some in grouped]


def _region(frame: Frame, name: str, rows: Sequence[Row]) -> Region:
    return Region(name, len(rows), joined(_line(frame, row) for row in rows))


def _cell(segments: str, cell: Cell, has_box: bool) -> str:
    box = _tick(cell.slug, cell.name, cell.is_ticked) if has_box else ""
    marks = f' <i aria-hidden="true">{cell.marks}</i>' if cell.marks else ""
    return (
        f'<li class="{cell.tone}">{box}<a href="{segments}{cell.slug}/" title="{text(cell.says)}">'
        f'<span>{text(cell.name)}</span><b><i aria-hidden="true">{cell.shape}</i> {cell.number}{marks}</b></a></li>\n'
    )


def _tick(slug: str, name: str, is_ticked: bool) -> str:
    checked = " checked" if is_ticked else ""
    return f'<input type="checkbox" name="segment" value="{slug}" aria-label="{text(name)}"{checked}>'


def _line(frame: Frame, row: Row) -> str:
    champion = _champion(frame, row) if row.cell.champion else _no_champion(frame, row)
    candidate = _candidate(frame, row) if row.cell.candidate else _no_candidate(row)
    return (
        f"<tr>{_box(frame, row)}\n{_name(frame, row)}\n{champion}\n{candidate}\n{_run(row)}\n"
        f"{_alarms(frame, row)}</tr>\n"
    )


def _box(frame: Frame, row: Row) -> str:
    if frame.ticked is None:
        return ""
    slug = row.cell.segment
    return f'<td class="check">{_tick(slug, row.own_name, slug in frame.ticked)}</td>'


def _name(frame: Frame, row: Row) -> str:
    cell = row.cell
    place = f"{cell.segment} · {cell.region}" if row.shares_name else cell.region
    return (
        f'<th scope="row"><a href="{frame.segments}{cell.segment}/">{text(cell.name)}</a>'
        f' <span class="muted">{text(place)}</span></th>'
    )


def _version(frame: Frame, segment: str, number: int) -> str:
    return f'<a href="{frame.segments}{segment}/v{number}/">v{number}</a>'


def _champion(frame: Frame, row: Row) -> str:
    version = _version(frame, row.cell.segment, row.cell.champion.number) if row.cell.champion else ""
    against = row.against_baseline
    return (
        f'<td class="age" data-label="Champion">{version} {_age(row)}</td>'
        f'<td class="num newest" data-label="Newest month">{figures.number(row.newest)}</td>'
        f'<td class="num gap" data-label="vs baseline">{_delta(against, against.tone) if against else NOTHING}</td>'
    )


def _age(row: Row) -> str:
    if row.cell.age_days is None:
        return ""
    tone, mark = ("tone-warn", STALE) if row.is_stale else ("muted", "")
    return f'<span class="{tone}">{mark}{row.cell.age_days} d</span>'


def _delta(delta: Delta, tone: str) -> str:
    return f'<span class="delta {tone}">{delta.arrow} {delta.size} {delta.word}</span>'


def _no_champion(frame: Frame, row: Row) -> str:
    why = f": {text(row.why)}" if row.why and not row.cell.candidate else ""
    said = f"No champion yet{why}{_stand_in(frame, row)}"
    return f'<td class="none" colspan="3"><span class="muted">{said}</span></td>'


def _stand_in(frame: Frame, row: Row) -> str:
    if row.stand_in is None:
        return ""
    place, number = row.stand_in.fallback, row.stand_in.version
    return f' <a href="{frame.segments}{place}/">{place} v{number}</a> serves.'


def _candidate(frame: Frame, row: Row) -> str:
    version = _version(frame, row.cell.segment, row.cell.candidate.number) if row.cell.candidate else ""
    why = f' <span class="why">{text(row.why)}</span>' if row.why else ""
    return (
        f'<td class="num cand" data-label="Candidate">{version} {figures.number(row.candidate_metric)}</td>'
        f'<td class="gain" data-label="vs champion">{_gain(row)}</td>'
        f'<td class="verdict">{_verdict(row)}{RETRAINING if row.is_retraining else ""}{why}</td>'
    )


def _gain(row: Row) -> str:
    whisker, against = row.whisker, row.against_champion
    if whisker is None or against is None:
        return NOTHING
    return f"{_whisker(whisker, row.tone)} {_delta(against, row.tone)}"


def _whisker(drawn: Whisker, tone: str) -> str:
    zero = "" if drawn.zero is None else f'<path class="zero" d="M{drawn.zero} 0V14" />'
    return (
        f'<svg class="whisker {tone}" width="{drawn.width}" height="14" role="img"'
        f' aria-label="90 % interval of the gain: {text(drawn.summary)}">'
        f'{zero}<path class="range" d="M{drawn.start} 7H{drawn.end}" />{_middle(drawn)}</svg>'
    )


def _middle(drawn: Whisker) -> str:
    if drawn.beyond == "right":
        return f'<path class="mark" d="M{drawn.width} 7l-9-5.5v11z" />'
    if drawn.beyond == "left":
        return '<path class="mark" d="M0 7l9-5.5v11z" />'
    return f'<circle class="mark" cx="{drawn.mark}" cy="7" r="3.5" />'


def _verdict(row: Row) -> str:
    if wave := row.cell.open_wave:
        address = reverse("registry:wave", args=[wave])
        return f'<a class="badge accent" href="{address}">{icon("hourglass", 13)}Promotion #{wave} waits</a>'
    if row.badge is None:
        return ""
    return badge(row.badge.tone, row.badge.icon, row.badge.word)


def _no_candidate(row: Row) -> str:
    back = row.cell.rolled_back
    words = f"{back.label} was rolled back; retrain for a new candidate" if back else "No newer version"
    said = RETRAINING if row.is_retraining else words
    return f'<td class="none" colspan="3"><span class="muted">{said}</span></td>'


def _run(row: Row) -> str:
    if row.last_run is None:
        return f'<td class="run" data-label="Last run">{NOTHING}</td>'
    look, address = look_of(row.last_run.status), reverse("retraining:run", args=[row.last_run.id])
    said = f"{icon(look.icon, 13)} {look.label}"
    return f'<td class="run" data-label="Last run"><a href="{address}" class="tone-{look.tone}">{said}</a></td>'


def _alarms(frame: Frame, row: Row) -> str:
    badges = " ".join(_alarm(frame, alarm) for alarm in row.alarms)
    return f'<td class="signals" data-label="Signals">{badges or NOTHING}</td>'


def _alarm(frame: Frame, alarm: Alarm) -> str:
    address = f"{frame.signals}?family={frame.family}&amp;kind={alarm.kind}&amp;alarms=1"
    mark = icon("triangle-alert", 13)
    return f'<a class="badge bad" href="{address}" title="{text(alarm.summary)}">{mark}{alarm.kind}</a>'
