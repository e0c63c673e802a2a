"""The fleet's table, a line of HTML per row.

Its cells are drawn here rather than by a template: a template's sixty variables for each of 224 cities alone took
longer than the whole page of an empty family.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from apps.core import figures
from apps.core.looks import look_of
from apps.core.templatetags.portal import icon

if TYPE_CHECKING:
    from apps.core.charts import Whisker
    from apps.core.figures import Delta
    from apps.dashboard.fleet import Row
    from apps.registry.models import ModelFamily
    from apps.retraining.queries import Alarm

NOTHING = mark_safe('<span class="muted">–</span>')
STALE = format_html('{}<span class="visually-hidden">stale, </span>', icon("triangle-alert", 12))
RETRAINING = format_html(' <span class="badge info">{}Retraining</span>', icon("loader", 13))
ZERO = '<path class="zero" d="M{} 0V14" />'
MIDDLES = {
    "right": '<path class="mark" d="M{} 7l-9-5.5v11z" />',
    "left": '<path class="mark" d="M0 7l9-5.5v11z" />',
    "": '<circle class="mark" cx="{}" cy="7" r="3.5" />',
}
LINE = "<tr>{}\n{}\n{}\n{}\n{}\n{}</tr>\n"


@dataclass(frozen=True)
class Region:
    """The lines of a region, or all of them without a name."""

    name: str
    count: int
    lines: SafeString


@dataclass(frozen=True)
class Frame:
    """What the cells of all rows have in common: addresses, and which boxes are ticked (None: there are none)."""

    family: str
    segments: str
    signals: str
    ticked: Collection[str] | None


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
    return Region(name, len(rows), mark_safe("".join(_line(frame, row) for row in rows)))  # noqa: S308  of lines


def _line(frame: Frame, row: Row) -> SafeString:
    champion = _champion(frame, row) if row.cell.champion else _no_champion(frame, row)
    candidate = _candidate(frame, row) if row.cell.candidate else _no_candidate(row)
    return format_html(LINE, _box(frame, row), _name(frame, row), champion, candidate, _run(row), _alarms(frame, row))


def _box(frame: Frame, row: Row) -> SafeString:
    if frame.ticked is None:
        return SafeString()
    return format_html(
        '<td class="check"><input type="checkbox" name="segment" value="{}" aria-label="{}"{}></td>',
        row.cell.segment,
        row.cell.name,
        SafeString(" checked" if row.cell.segment in frame.ticked else ""),
    )


def _name(frame: Frame, row: Row) -> SafeString:
    cell = row.cell
    place = f"{cell.segment} · {cell.region}" if row.shares_name else cell.region
    return format_html(
        '<th scope="row"><a href="{}{}/">{}</a> <span class="muted">{}</span></th>',
        frame.segments,
        cell.segment,
        cell.name,
        place,
    )


def _version(frame: Frame, segment: str, number: int) -> SafeString:
    return format_html('<a href="{}{}/v{}/">v{}</a>', frame.segments, segment, number, number)


def _champion(frame: Frame, row: Row) -> SafeString:
    against = row.against_baseline
    return format_html(
        '<td class="age" data-label="Champion">{} {}</td>'
        '<td class="num newest" data-label="Newest month">{}</td>'
        '<td class="num gap" data-label="vs baseline">{}</td>',
        _version(frame, row.cell.segment, row.cell.champion.number) if row.cell.champion else "",
        _age(row),
        figures.number(row.newest),
        _delta(against, against.tone) if against else NOTHING,
    )


def _age(row: Row) -> SafeString:
    if row.cell.age_days is None:
        return SafeString()
    tone, mark = ("tone-warn", STALE) if row.is_stale else ("muted", "")
    return format_html('<span class="{}">{}{} d</span>', tone, mark, row.cell.age_days)


def _delta(delta: Delta, tone: str) -> SafeString:
    return format_html('<span class="delta {}">{} {} {}</span>', tone, delta.arrow, delta.size, delta.word)


def _no_champion(frame: Frame, row: Row) -> SafeString:
    why = f": {row.why}" if row.why and not row.cell.candidate else ""
    return format_html(
        '<td class="none" colspan="3"><span class="muted">No champion yet{}{}</span></td>', why, _stand_in(frame, row)
    )


def _stand_in(frame: Frame, row: Row) -> SafeString:
    if row.stand_in is None:
        return SafeString()
    place, number = row.stand_in.fallback, row.stand_in.version
    return format_html(' <a href="{}{}/">{} v{}</a> serves.', frame.segments, place, place, number)


def _candidate(frame: Frame, row: Row) -> SafeString:
    return format_html(
        '<td class="num cand" data-label="Candidate">{} {}</td>'
        '<td class="gain" data-label="vs champion">{}</td>'
        '<td class="verdict">{}{}{}</td>',
        _version(frame, row.cell.segment, row.cell.candidate.number) if row.cell.candidate else "",
        figures.number(row.candidate_metric),
        _gain(row),
        _verdict(row),
        RETRAINING if row.is_retraining else "",
        format_html(' <span class="why">{}</span>', row.why) if row.why else "",
    )


def _gain(row: Row) -> SafeString:
    against = row.against_champion
    if row.whisker is None or against is None:
        return NOTHING
    return format_html("{} {}", _whisker(row.whisker, row.tone), _delta(against, row.tone))


def _whisker(drawn: Whisker, tone: str) -> SafeString:
    return format_html(
        '<svg class="whisker {}" width="{}" height="14" role="img" aria-label="90 % interval of the gain: {}">'
        '{}<path class="range" d="M{} 7H{}" />{}</svg>',
        tone,
        drawn.width,
        drawn.summary,
        format_html(ZERO, drawn.zero) if drawn.zero is not None else "",
        drawn.start,
        drawn.end,
        format_html(MIDDLES[drawn.beyond], drawn.width if drawn.beyond else drawn.mark),
    )


def _verdict(row: Row) -> SafeString:
    if wave := row.cell.open_wave:
        address = reverse("registry:wave", args=[wave])
        mark = icon("hourglass", 13)
        return format_html('<a class="badge accent" href="{}">{}Promotion #{} waits</a>', address, mark, wave)
    if row.badge is None:
        return SafeString()
    return format_html('<span class="badge {}">{}{}</span>', row.badge.tone, icon(row.badge.icon, 13), row.badge.word)


def _no_candidate(row: Row) -> SafeString:
    back = row.cell.rolled_back
    words = f"{back.label} was rolled back; retrain for a new candidate" if back else "No newer version"
    said = RETRAINING if row.is_retraining else words
    return format_html('<td class="none" colspan="3"><span class="muted">{}</span></td>', said)


def _run(row: Row) -> SafeString:
    if row.last_run is None:
        return format_html('<td class="run" data-label="Last run">{}</td>', NOTHING)
    look = look_of(row.last_run.status)
    return format_html(
        '<td class="run" data-label="Last run"><a href="{}" class="tone-{}">{} {}</a></td>',
        reverse("retraining:run", args=[row.last_run.id]),
        look.tone,
        icon(look.icon, 13),
        look.label,
    )


def _alarms(frame: Frame, row: Row) -> SafeString:
    badges = format_html_join(" ", "{}", ([_alarm(frame, alarm)] for alarm in row.alarms))
    return format_html('<td class="signals" data-label="Signals">{}</td>', badges or NOTHING)


def _alarm(frame: Frame, alarm: Alarm) -> SafeString:
    return format_html(
        '<a class="badge bad" href="{}?family={}&amp;kind={}&amp;alarms=1" title="{}">{}{}</a>',
        frame.signals,
        frame.family,
        alarm.kind,
        alarm.summary,
        icon("triangle-alert", 13),
        alarm.kind,
    )
