"""Where something came from, as its run logged it: tags, parameters and the data sets it says it used."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Prefetch, prefetch_related_objects

from apps.tracking.models import Run, RunInput

if TYPE_CHECKING:
    from apps.accounts.models import User

CONTEXT = "mlflow.data.context"
ADDRESSES = ("uri", "url", "path")


@dataclass(frozen=True)
class Used:
    """A data set in the run's own words; `context` is training, evaluation … or empty."""

    name: str
    digest: str
    source_type: str
    source: str
    context: str

    @property
    def address(self) -> str:
        """Where the data lie, as MLflow writes it: `{"uri": "s3://lake/trips"}`; empty where that is not said."""
        try:
            told = json.loads(self.source)
        except (ValueError, RecursionError):
            return ""
        found = next((told[key] for key in ADDRESSES if told.get(key)), "") if isinstance(told, dict) else ""
        return found if isinstance(found, str) else ""


@dataclass(frozen=True)
class Origin:
    """What a run logged of itself, and in which experiment it lies."""

    run: str
    name: str
    experiment_id: int
    experiment: str
    tags: Mapping[str, str]
    params: Mapping[str, str]
    datasets: tuple[Used, ...]

    @property
    def commit(self) -> str:
        return self.tags.get("mlflow.source.git.commit", "")

    @property
    def source(self) -> str:
        return self.tags.get("mlflow.source.name", "")


def origins(*, actor: User, run_ids: Collection[str]) -> dict[str, Origin]:
    """By run, of those that this person may read; four queries."""
    seen = Run.objects.visible_to(actor).filter(pk__in=set(run_ids)).select_related("experiment")
    return {run.pk: _origin(run) for run in seen.prefetch_related(*_logged())}


def origin_of(run: Run) -> Origin:
    """Of a run that one may see; what is loaded with it is not asked for again."""
    prefetch_related_objects([run], *_logged())
    return _origin(run)


def _logged() -> Iterator[str | Prefetch]:
    yield from ("tags", "params")
    yield Prefetch("inputs", RunInput.objects.select_related("dataset"))


def _origin(run: Run) -> Origin:
    return Origin(
        run=run.pk,
        name=run.name,
        experiment_id=run.experiment_id,
        experiment=run.experiment.name,
        tags={tag.key: tag.value for tag in run.tags.all()},
        params={param.key: param.value for param in run.params.all()},
        datasets=tuple(_used(one) for one in run.inputs.all()),
    )


def _used(one: RunInput) -> Used:
    data = one.dataset
    return Used(data.name, data.digest, data.source_type, data.source, str(one.tags.get(CONTEXT, "")))
