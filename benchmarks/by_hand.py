"""What a segment run leaves behind, made without the engine: no claim, no lease, no attempt, no fan-out, no retry."""

from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from django.db import transaction

from apps.accounts.models import User
from apps.artifacts.actions import add_files
from apps.registry.actions import register_version
from apps.registry.models import ModelFamily, Segment
from apps.tracking.actions import close_run, ensure_experiment, log_metrics, log_params, open_run


def train(*, family_id: int, segment_id: int, user_id: int) -> None:
    family = ModelFamily.objects.select_related("team").get(pk=family_id)
    segment, user = Segment.objects.get(pk=segment_id), User.objects.get(pk=user_id)
    experiment = ensure_experiment(actor=user, name=family.experiment, team=family.team, visibility=family.visibility)
    run = open_run(actor=user, experiment=experiment, name=segment.slug, tags={"segment": segment.slug})
    log_params(actor=user, run=run, params={"alpha": "1.0"})
    add_files(tree=run.tree, files=_files())
    with transaction.atomic():
        log_metrics(actor=user, run=run, metrics={"mae": 6.5})
        register_version(
            actor=user,
            family=family,
            segment=segment,
            run=run,
            tree=run.tree,
            kind="trained",
            trained_from=None,
            trained_through=None,
            parameters={"alpha": 1.0},
            pipeline="by hand",
            origin=None,
        )
        close_run(actor=user, run=run, status="FINISHED")


@cache
def _files() -> dict[str, Path]:
    folder = Path(mkdtemp(prefix="portal-noop-"))
    (folder / "model.json").write_text("{}")
    (folder / "metrics.json").write_text('{"mae": 6.5}')
    return {name: folder / name for name in ("model.json", "metrics.json")}
