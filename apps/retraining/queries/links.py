"""What a request and a segment run know that a link to another product may name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from apps.platforms.queries import LinkOut, links_out
from apps.platforms.templating import place_in_bucket
from apps.retraining.models import Attempt, SegmentRun
from apps.retraining.queries.requests import segment_runs
from apps.tracking.queries import origins

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.registry.models import ModelVersion
    from apps.retraining.models import RetrainingRequest

Values = dict[str, object]
OUTSIDE_ID = re.compile(r"portal-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-[0-9]{1,9}")


def request_values(request: RetrainingRequest) -> Values:
    family = request.family
    return {
        "team": family.team.slug,
        "family": family.slug,
        "request": request.pk,
        "pipeline": request.pipeline.slug,
        "workflow": request.plan.get("workflow", ""),
    }


def run_values(actor: User, run: SegmentRun) -> Values:
    """With the version that came of it, and what its run says that this person may read."""
    values = request_values(run.request) | {"segment": run.segment.slug, "segment_run": run.pk}
    last = run.attempts.order_by("-number").values_list("outside_id", flat=True).first()
    values |= {"outside_run": last or ""} | tracked_values(actor, run.run_id)
    return values | (version_values(run.version) if run.version else {})


def tracked_values(actor: User, run_id: str | None) -> Values:
    """Of a run that logs."""
    told = origins(actor=actor, run_ids=[run_id]).get(run_id) if run_id else None
    if told is None:
        return {}
    experiment = {"experiment": told.experiment_id, "experiment_name": told.experiment}
    data = next((used.address for used in told.datasets if used.address), "")
    place = {f"data_{name}": part for name, part in place_in_bucket(data).items()}
    return {"run": told.run, "commit": told.commit, "data": data, **place, **experiment}


def version_values(version: ModelVersion) -> Values:
    """What it says itself; a commit only where it names one, so that its run's can stand."""
    values: Values = {"model": version.model.name, "version": version.number, "digest": version.digest or ""}
    values |= {"source": version.source, **place_in_bucket(version.source)}
    commit = version.provenance.get("commit")
    return values | ({"commit": commit} if commit else {}) | ({"run": version.run_ref} if version.run_ref else {})


def links_of_request(request: RetrainingRequest) -> list[LinkOut]:
    return links_out(page="request", values=lambda: request_values(request), ran_on=lambda: connection_of(request))


def links_of_run(actor: User, run: SegmentRun) -> list[LinkOut]:
    return links_out(
        page="segment_run", values=lambda: run_values(actor, run), ran_on=lambda: connection_of(run.request)
    )


def connection_of(request: RetrainingRequest) -> int | None:
    """Where its segment runs are handed over; None for our own workers."""
    return request.plan.get("connection_id")


def tracked_behind(outside_id: str) -> str | None:
    """The run of ours behind an id that we gave to a platform; whoever asks checks who may see it."""
    ours = OUTSIDE_ID.fullmatch(outside_id)
    if ours is None:
        return None
    found = Attempt.objects.filter(segment_run__uuid=ours[1], outside_id=outside_id).order_by("-id")
    return found.values_list("run_id", flat=True).first()


def segment_run_behind(actor: User, run_id: str | None) -> SegmentRun | None:
    """The segment run whose attempt logged into that run; None where it was nobody's, or is not for this person."""
    return segment_runs(actor).filter(attempts__run=run_id).first() if run_id else None
