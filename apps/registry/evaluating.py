"""A batch of evaluations from claim to numbers, on the worker that runs the evaluator; between task and actions."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from apps.artifacts.queries import files_of, local_path
from apps.core.errors import Conflict, PortalError
from apps.platforms.base import Continue, End, Limits, Outcome, Progress, Work
from apps.platforms.local import LocalRunner
from apps.registry import actions
from apps.registry.answers import Unusable, numbers_of, read_answers
from apps.registry.evaluators import TOOLS, Evaluator, evaluator
from apps.registry.pyfunc.asking import answered, why_not

if TYPE_CHECKING:
    from apps.registry.models import Evaluation, ModelVersion

log = structlog.get_logger(__name__)
DATABASE_AWAY = (OperationalError, InterfaceError)
LOG_BYTES = 65_536
OUTPUT_BYTES = 64 * 1024 * 1024


@dataclass
class Batch:
    """What goes into one process: the comparisons, and the files they need by their name there."""

    comparisons: list[dict[str, object]] = field(default_factory=list)
    inputs: dict[str, Path] = field(default_factory=dict)
    evaluations: dict[str, Evaluation] = field(default_factory=dict)

    def add(self, evaluation: Evaluation) -> None:
        """Raises PortalError when a stored file is damaged."""
        roles = {"candidate": evaluation.candidate, "champion": evaluation.rival}
        files = {role: version and self._files(version) for role, version in roles.items()}
        name = str(evaluation.pk)
        self.comparisons.append({"id": name, "segment": evaluation.model.its_segment.slug, **files})
        self.evaluations[name] = evaluation

    def _files(self, version: ModelVersion) -> dict[str, object]:
        """Named by their content: what two models share is handed over once."""
        files = list(files_of(version.its_tree))
        self.inputs.update({file.blob_id: local_path(file) for file in files})
        return {"files": {file.path: file.blob_id for file in files}}


def evaluate_batch(*, limit: int = actions.BATCH, runner: LocalRunner | None = None) -> int:
    """Claims a batch, runs its evaluator and stores what it measured; answers how many were claimed."""
    claimed = actions.claim_evaluations(limit=limit, lease_seconds=settings.EVALUATION_LEASE_SECONDS)
    if claimed:
        _evaluate(claimed, runner or default_runner())
    return len(claimed)


@cache
def default_runner() -> LocalRunner:
    """One per process: its warm parents make a run cheap."""
    return LocalRunner(settings.VAR_DIR / "scratch", beat_every=settings.EVALUATION_LEASE_SECONDS / 5)


def _evaluate(claimed: list[Evaluation], runner: LocalRunner) -> None:
    try:
        tool = _tool_of(claimed[0])
    except PortalError as error:
        actions.fail_evaluations(failures=[(claim_of(evaluation), error.message) for evaluation in claimed])
        return
    batch = _gather(claimed)
    if not batch.comparisons:
        return
    work, beat = _work(tool, batch, claimed[0]), _beat(_claims(batch))
    with answered(Careful(runner), work, beat) as outcome:
        _store(tool, batch, outcome)


def claim_of(evaluation: Evaluation) -> actions.Claim:
    return actions.Claim(evaluation.pk, evaluation.attempt)


def _claims(batch: Batch) -> list[actions.Claim]:
    return [claim_of(evaluation) for evaluation in batch.evaluations.values()]


def _tool_of(evaluation: Evaluation) -> Evaluator:
    """Raises Conflict when the script is not the one that was asked for: its numbers would have another meaning."""
    tool = evaluator(evaluation.evaluator)
    if tool.version != evaluation.evaluator_version:
        raise Conflict("The evaluator has changed since this was asked for; ask for it again.")
    return tool


def _gather(claimed: Iterable[Evaluation]) -> Batch:
    """All whose files are whole; the others fail with the sentence which file is not."""
    batch = Batch()
    for evaluation in claimed:
        try:
            batch.add(evaluation)
        except PortalError as error:
            actions.fail_evaluations(failures=[(claim_of(evaluation), error.message)])
    return batch


def _work(tool: Evaluator, batch: Batch, first: Evaluation) -> Work:
    window = {"first": str(first.window_first), "last": str(first.window_last)}
    return Work(
        key=f"evaluation-{first.pk}-{first.attempt}",
        script=tool.script,
        params={"window": window, "comparisons": batch.comparisons, "pyfunc": why_not(first.model.its_family)},
        segment="",
        data=tool.data,
        limits=Limits(settings.EVALUATION_SECONDS, settings.EVALUATION_MEMORY_MB, LOG_BYTES, OUTPUT_BYTES),
        preload=tool.preload,
        inputs=batch.inputs | {tool.name: tool for tool in TOOLS},
    )


@dataclass(frozen=True)
class Careful:
    """A runner of which everything is an outcome: what the portal itself breaks is one too, and is tried again."""

    runner: LocalRunner

    def run(self, work: Work, beat: Callable[[Progress], Continue]) -> Outcome:
        try:
            return self.runner.run(work, beat)
        except Exception as error:
            log.exception("registry.evaluation_broke", key=work.key)
            reason = f"The portal failed while it evaluated ({type(error).__name__}); its log has the details."
            return Outcome(End.FAILED, "portal", reason, 0.0, {}, "")

    def discard(self, work: Work) -> None:
        self.runner.discard(work)


def _beat(claims: list[actions.Claim]) -> Callable[[Progress], Continue]:
    """Renews the leases. A database that is away for a moment ends nothing, as long as the lease may hold."""
    lease = settings.EVALUATION_LEASE_SECONDS
    held_until = time.monotonic() + lease

    def beat(_: Progress) -> Continue:
        nonlocal held_until
        try:
            held = actions.renew_evaluations(claims=claims, lease_seconds=lease)
        except DATABASE_AWAY:
            connection.close()
            return Continue.GO if time.monotonic() < held_until else Continue.LOST
        held_until = time.monotonic() + lease
        return Continue.GO if held else Continue.LOST

    return beat


def _store(tool: Evaluator, batch: Batch, outcome: Outcome) -> None:
    """A process that broke is tried again in smaller company; one that lost its lease has nothing to say."""
    if outcome.end is End.LOST:
        return
    if outcome.end is not End.SUCCEEDED:
        actions.release_evaluations(claims=_claims(batch), reason=f"The evaluator broke: {outcome.reason}")
        return
    try:
        answers = read_answers(outcome.files)
    except Unusable as unusable:
        actions.release_evaluations(claims=_claims(batch), reason=str(unusable))
        return
    _store_answers(tool, batch, answers)


def _store_answers(tool: Evaluator, batch: Batch, answers: Mapping[str, object]) -> None:
    """Each comparison ends for itself: with its numbers, or with the sentence why there are none."""
    results, failures = [], []
    baselines = tool.baselines
    for name, evaluation in batch.evaluations.items():
        direction = evaluation.model.its_family.direction
        try:
            answer = numbers_of(
                answers.get(name),
                against=evaluation.rival is not None,
                direction=direction,
                baselines=baselines,
            )
            results.append((claim_of(evaluation), answer))
        except Unusable as unusable:
            failures.append((claim_of(evaluation), str(unusable)))
    actions.finish_evaluations(results=results)
    actions.fail_evaluations(failures=failures)
