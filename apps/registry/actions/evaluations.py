"""Verbs of evaluations: a person asks, a worker claims, and only the claim that still holds may write the numbers.

Claims and results are evidence: they are rows of their own and stand in no audit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from apps.audit.actions import record
from apps.core.doorbell import ring
from apps.core.errors import Conflict, Invalid
from apps.core.permissions import require
from apps.registry import evaluators
from apps.registry.answers import Numbers
from apps.registry.events import Event
from apps.registry.models import Alias, Evaluation, ModelFamily, ModelVersion
from apps.registry.models.evaluation import EvaluationQuerySet
from apps.registry.models.family import CHAMPION
from apps.registry.queries.windows import Window, newest_window
from apps.registry.queries.worth import champions_beside_shared

if TYPE_CHECKING:
    from apps.accounts.models import User

BATCH = 50
"""Comparisons of one process: half a fleet, so that two workers share it."""
MOST_ATTEMPTS = 3
"""An evaluation that took its process down this often is not tried again."""


@dataclass(frozen=True)
class Claim:
    """The right to write one evaluation, for as long as its attempt is the newest."""

    evaluation_id: int
    attempt: int


@transaction.atomic
def request_evaluations(
    *, actor: User, family: ModelFamily, candidates: Sequence[ModelVersion], window_first: date, window_last: date
) -> list[Evaluation]:
    """One evaluation per candidate, against the champion of now (a champion is checked alone); made once.

    Failed ones are tried again. Raises Invalid for versions that can not be evaluated.
    """
    require(actor, "registry.evaluate", family)
    if window_last < window_first:
        raise Invalid("The last day of a window is not before its first.", field="window_last")
    evaluations, asked = ask_for(
        actor=actor, family=family, candidates=candidates, window=Window(window_first, window_last)
    )
    if asked:
        words = {"window": f"{window_first} to {window_last}", "versions": asked}
        record(actor=actor, action=Event.EVALUATIONS_REQUESTED, target=family, after=words)
    return evaluations


def ask_for(
    *, actor: User, family: ModelFamily, candidates: Sequence[ModelVersion], window: Window
) -> tuple[list[Evaluation], int]:
    """The evaluations, and how many of them are to be made now; the caller has asked for the permission."""
    _check_candidates(family, candidates)
    return _ask(_wanted(actor, family, window, _against_champions(candidates)))


@transaction.atomic
def compare_with_shared(*, actor: User, family: ModelFamily) -> list[Evaluation]:
    """Has each champion scored beside the shared model of its segment on the newest month; each pair once.

    Raises Conflict where there is nothing to compare, with what to do about it.
    """
    require(actor, "registry.evaluate", family)
    window, pairs = newest_window(family), champions_beside_shared(family)
    if window is None:
        raise Conflict("The family has no month with labels yet, so nothing can be compared.")
    if not pairs:
        raise Conflict(f"{family} has no shared model: promote one of a place in its fallback order first.")
    beside: Rivals = [(version, {"shared_id": shared}) for version, shared in pairs]
    evaluations, asked = _ask(_wanted(actor, family, window, beside))
    if asked:
        words = {"window": f"{window.first} to {window.last}", "versions": asked, "against": "the shared model"}
        record(actor=actor, action=Event.EVALUATIONS_REQUESTED, target=family, after=words)
    return evaluations


Rivals = Iterable[tuple[ModelVersion, dict[str, int | None]]]
"""Each version with the id of what stands against it, `champion_id` or `shared_id`."""


def _ask(wanted: Sequence[Evaluation]) -> tuple[list[Evaluation], int]:
    before = _stored(wanted)
    Evaluation.objects.bulk_create(wanted, ignore_conflicts=True)
    stored = _stored(wanted)
    failed = [evaluation for evaluation in stored.values() if evaluation.status == Evaluation.Status.FAILED]
    _try_again(failed)
    asked = len(stored.keys() - before.keys()) + len(failed)
    ring_for(evaluations=asked)
    return list(stored.values()), asked


def ring_for(*, evaluations: int) -> None:
    """Wakes as many workers as there are batches."""
    for _ in range(0, evaluations, BATCH):
        ring("registry.evaluate")


def _check_candidates(family: ModelFamily, candidates: Sequence[ModelVersion]) -> None:
    for version in candidates:
        if version.model.family_id != family.pk:
            raise Invalid(f"{version} is no version of {family}.", field="versions")
        if version.status != ModelVersion.Status.READY:
            raise Invalid(f"{version} is not ready, so it can not be evaluated yet.", field="versions")


def _against_champions(candidates: Iterable[ModelVersion]) -> Rivals:
    """Each candidate with the champion of now; one that is it stands alone."""
    candidates = {version.pk: version for version in candidates}.values()
    aliases = Alias.objects.filter(model__in={version.model_id for version in candidates}, name=CHAMPION)
    champions = dict(aliases.values_list("model_id", "version_id"))
    for version in candidates:
        champion = champions.get(version.model_id)
        yield version, {"champion_id": None if champion == version.pk else champion}


def _wanted(actor: User, family: ModelFamily, window: Window, rivals: Rivals) -> list[Evaluation]:
    evaluator = evaluators.evaluator(family.evaluator)
    version_of_script = evaluator.version
    return [
        Evaluation(
            model_id=version.model_id,
            candidate=version,
            **rival,
            window_first=window.first,
            window_last=window.last,
            evaluator=evaluator.name,
            evaluator_version=version_of_script,
            requested_by=actor,
        )
        for version, rival in rivals
    ]


Pair = tuple[int, int | None, int | None]


def _stored(wanted: Sequence[Evaluation]) -> dict[Pair, Evaluation]:
    """By candidate and rival: which of the wanted ones are there, for the same window and script."""
    if not wanted:
        return {}
    same = {name: getattr(wanted[0], name) for name in ("window_first", "window_last", "evaluator_version")}
    found = Evaluation.objects.whole().filter(candidate__in=[row.candidate_id for row in wanted], **same)
    by_pair = {_pair(evaluation): evaluation for evaluation in found}
    return {pair: by_pair[pair] for pair in map(_pair, wanted) if pair in by_pair}


def _pair(evaluation: Evaluation) -> Pair:
    return evaluation.candidate_id, evaluation.champion_id, evaluation.shared_id


def _try_again(failed: Sequence[Evaluation]) -> None:
    again = Evaluation.objects.filter(pk__in=[row.pk for row in failed], status=Evaluation.Status.FAILED)
    again.update(status=Evaluation.Status.WAITING, attempt=0, finished_at=None)
    for evaluation in failed:
        evaluation.refresh_from_db(fields=["status", "attempt", "finished_at"])


@transaction.atomic
def claim_evaluations(*, limit: int = BATCH, lease_seconds: float) -> list[Evaluation]:
    """Up to `limit` due evaluations of one family, window and script, now running under the caller's attempt.

    What took a process down before is claimed in smaller and smaller company, until its neighbours are safe from
    it; what was claimed too often fails here, with the reason of its last attempt.
    """
    first = Evaluation.objects.due().order_by("attempt", "id").select_related("model").first()
    if first is None:
        return []
    company = max(1, limit // 10**first.attempt)
    locked = _like(first).select_for_update(skip_locked=True, of=("self",)).order_by("id")[:company]
    ids = list(locked.values_list("pk", flat=True))
    if first.attempt >= MOST_ATTEMPTS:
        _give_up(ids)
        return []
    lease = Now() + timedelta(seconds=lease_seconds)
    claimed = Evaluation.objects.filter(pk__in=ids)
    claimed.update(status=Evaluation.Status.RUNNING, attempt=F("attempt") + 1, lease_until=lease)
    return list(claimed.whole().select_related("candidate__tree", "champion__tree", "shared__tree").order_by("id"))


def _like(first: Evaluation) -> EvaluationQuerySet:
    """What can be evaluated in the same process."""
    return Evaluation.objects.due().filter(
        model__family=first.model.family_id,
        window_first=first.window_first,
        window_last=first.window_last,
        evaluator_version=first.evaluator_version,
        attempt=first.attempt,
    )


def _give_up(ids: Sequence[int]) -> None:
    for evaluation in Evaluation.objects.filter(pk__in=ids):
        reason = evaluation.reason or "Its worker went away each time."
        sentence = f"Tried {evaluation.attempt} times without a result. {reason}"
        changes = {"status": Evaluation.Status.FAILED, "reason": sentence, "finished_at": Now(), "lease_until": None}
        Evaluation.objects.filter(pk=evaluation.pk).update(**changes)


def renew_evaluations(*, claims: Sequence[Claim], lease_seconds: float) -> int:
    """The worker lives: a new lease for what it still holds; answers how many that are."""
    lease = Now() + timedelta(seconds=lease_seconds)
    return sum(_held(attempt, ids).update(lease_until=lease) for attempt, ids in _by_attempt(claims).items())


def release_evaluations(*, claims: Sequence[Claim], reason: str) -> int:
    """Gives back what could not be done, with the reason; it is due again at once."""
    held = ((attempt, ids) for attempt, ids in _by_attempt(claims).items())
    return sum(_held(attempt, ids).update(lease_until=Now(), reason=reason) for attempt, ids in held)


@transaction.atomic
def finish_evaluations(*, results: Sequence[tuple[Claim, Numbers]]) -> int:
    """Stores the numbers of the claims that still hold; answers how many that were."""
    done = {"status": Evaluation.Status.DONE, "lease_until": None, "reason": "", "finished_at": Now()}
    return sum(_held(claim.attempt, [claim.evaluation_id]).update(**asdict(n), **done) for claim, n in results)


@transaction.atomic
def fail_evaluations(*, failures: Sequence[tuple[Claim, str]]) -> int:
    """Ends the claims that still hold, each with the sentence why; answers how many that were."""
    failed = {"status": Evaluation.Status.FAILED, "lease_until": None, "finished_at": Now()}
    return sum(_held(claim.attempt, [claim.evaluation_id]).update(reason=why, **failed) for claim, why in failures)


def _held(attempt: int, ids: Sequence[int]) -> Any:
    """The attempt number is the fencing token: who lost the lease writes nothing."""
    return Evaluation.objects.filter(pk__in=ids, attempt=attempt, status=Evaluation.Status.RUNNING)


def _by_attempt(claims: Iterable[Claim]) -> dict[int, list[int]]:
    groups: dict[int, list[int]] = defaultdict(list)
    for claim in claims:
        groups[claim.attempt].append(claim.evaluation_id)
    return groups
