"""What MLflow's door offers: each endpoint that changes something, below `/api/2.0/`."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

from django.db.models.functions import Now

from apps.accounts.models import Team
from apps.accounts.queries import default_team
from apps.artifacts.actions import put_file as store_file
from apps.core.permissions import allowed
from apps.registry.models import ModelVersion, RegisteredModel, Segment
from apps.tracking.models import Experiment, Run, Upload
from tests.doors.offers import Offer, noted, offer
from tests.doors.offers.api import a_webhook

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.artifacts.models import Tree
    from tests.doors.scene import Scene

NO_VERBS = {
    "POST mlflow-artifacts/mpu/complete/{folder*}": "the end of what `create` began, and tried with it",
    "POST mlflow-artifacts/mpu/abort/{folder*}": "only whoever began a file in parts can end it",
}
"""Endpoints that are sent to and are nobody else's right."""


def offers(it: Scene) -> list[Offer]:
    return [*_registry(it), *_experiments(it), *_runs(it), *_logged_models(it), *_files(it), *_webhooks(it)]


ELSEWHERE = {"name": "eta-trip.boston", "source": f"models:/m-{'0' * 32}", "model_id": f"m-{'0' * 32}"}
"""A version of a model that only the connected MLflow server knows."""


def of_model(it: Scene) -> dict[str, str]:
    return {"name": "eta-trip.boston", "source": f"models:/{it.logged.pk}", "model_id": it.logged.pk}


def named(version: ModelVersion) -> dict[str, str]:
    return {"name": version.model.name, "version": str(version.number)}


def _registry(it: Scene) -> list[Offer]:
    register, model, tag = "registry.register", {"name": "alone"}, {"key": "tried", "value": "1"}
    new, tagged = {"name": "another"}, model | tag
    return [
        offer("registry.create_model", "POST mlflow/registered-models/create", new),
        offer(register, "POST mlflow/registered-models/create", {"name": "eta-trip.reno"}, first=lambda: reno(it)),
        offer(register, "PATCH mlflow/registered-models/update", model | {"description": "x"}),
        offer(register, "POST mlflow/registered-models/rename", model | {"new_name": "renamed"}),
        offer(register, "DELETE mlflow/registered-models/delete", model),
        offer(register, "POST mlflow/registered-models/set-tag", tagged),
        offer(register, "DELETE mlflow/registered-models/delete-tag", tagged, first=lambda: tag_model(it)),
        offer("registry.set_alias", "POST mlflow/registered-models/alias", named(it.next) | {"alias": "canary"}),
        offer(
            "registry.set_alias",
            "DELETE mlflow/registered-models/alias",
            {"name": "eta-trip.boston", "alias": "shadow"},
        ),
        offer("registry.propose", "POST mlflow/registered-models/alias", named(it.next) | {"alias": "champion"}),
        offer(register, "POST mlflow/model-versions/create", {"name": "eta-trip.boston", "source": "s3://bucket/x"}),
        offer(register, "PATCH mlflow/model-versions/update", named(it.spare) | {"description": "x"}),
        offer(
            register,
            "POST mlflow/model-versions/create",
            of_model(it),
            first=lambda: put_file(it.logged.tree),
            seen=ModelVersion.objects.filter(logged_model=it.logged.pk).exists,  # what is copied goes with a refusal
        ),
        offer(register, "POST mlflow/model-versions/create", ELSEWHERE),
        offer(
            register,
            "POST mlflow/model-versions/transition-stage",
            named(it.next) | {"stage": "Staging", "archive_existing_versions": False},
        ),
        offer(register, "DELETE mlflow/model-versions/delete", named(it.before)),
        offer(register, "POST mlflow/model-versions/set-tag", named(it.spare) | tag),
        offer(
            register, "DELETE mlflow/model-versions/delete-tag", named(it.spare) | tag, first=lambda: tag_version(it)
        ),
    ]


def reno(it: Scene) -> None:
    """A city whose first model is still to come."""
    Segment.objects.create(dimension=it.it.family.dimension, slug="reno", name="Reno")


def tag_model(it: Scene) -> None:
    RegisteredModel.objects.filter(pk=it.alone.pk).update(tags={"tried": "1"})


def tag_version(it: Scene) -> None:
    ModelVersion.objects.filter(pk=it.spare.pk).update(tags={"tried": "1"})


def _experiments(it: Scene) -> list[Offer]:
    known, gone = {"experiment_id": str(it.experiment.pk)}, Experiment.objects.filter(pk=it.experiment.pk)
    tag = known | {"key": "tried", "value": "1"}
    at = "mlflow/experiments"
    return [
        offer("tracking.create_experiment", f"POST {at}/create", {"name": "new"}, about=home),
        offer("tracking.edit_experiment", f"POST {at}/update", known | {"new_name": "other"}),
        offer("tracking.delete_experiment", f"POST {at}/delete", known),
        offer("tracking.delete_experiment", f"POST {at}/restore", known, first=lambda: gone.update(**deleted())),
        offer("tracking.edit_experiment", f"POST {at}/set-experiment-tag", tag),
        offer(
            "tracking.edit_experiment",
            f"POST {at}/delete-experiment-tag",
            tag,
            first=lambda: it.experiment.tags.create(key="tried", value="1"),
        ),
    ]


def home(user: User) -> object:
    """What somebody makes belongs to their own team; who is in none makes nothing."""
    return default_team(user) or Team()


def deleted() -> dict[str, Any]:
    return {"deleted_at": Now()}


def hears_of(user: User) -> object:
    """A platform admin's webhooks hear of the whole portal, another lead's of their team."""
    return None if allowed(user, "notifications.create_webhook") else default_team(user)


def _runs(it: Scene) -> list[Offer]:
    known, rows = {"run_id": it.run.pk}, Run.objects.filter(pk=it.run.pk)
    write, tag = "tracking.write_run", {"key": "tried", "value": "1"}
    metric = {"key": "mae", "value": 6.5, "timestamp": 1_700_000_000_000, "step": 1}
    data = {"name": "trips", "digest": "abc", "source_type": "local", "source": "x"}
    return [
        offer("tracking.open_run", "POST mlflow/runs/create", {"experiment_id": str(it.experiment.pk)}),
        offer("tracking.create_experiment", "POST mlflow/runs/create", {"experiment_id": "0"}, about=home),
        offer(write, "POST mlflow/runs/update", known | {"status": "FINISHED", "end_time": 1_700_000_000_000}),
        offer("tracking.delete_run", "POST mlflow/runs/delete", known),
        offer("tracking.delete_run", "POST mlflow/runs/restore", known, first=lambda: rows.update(**deleted())),
        offer(write, "POST mlflow/runs/log-metric", known | metric),
        offer(write, "POST mlflow/runs/log-parameter", known | tag),
        offer(write, "POST mlflow/runs/set-tag", known | tag),
        offer(
            write, "POST mlflow/runs/delete-tag", known | tag, first=lambda: it.run.tags.create(key="tried", value="1")
        ),
        offer(write, "POST mlflow/runs/log-batch", known | {"metrics": [metric], "params": [tag], "tags": [tag]}),
        offer(write, "POST mlflow/runs/log-inputs", known | {"datasets": [{"dataset": data, "tags": []}]}),
        offer(write, "POST mlflow/runs/outputs", known | {"models": [{"model_id": it.logged.pk, "step": 1}]}),
    ]


def _logged_models(it: Scene) -> list[Offer]:
    at, known, write = "mlflow/logged-models", {"model_id": it.logged.pk}, "tracking.write_logged_model"
    tags = {"tags": [{"key": "tried", "value": "1"}]}
    alone = {"experiment_id": str(it.experiment.pk), "name": "other"}
    return [
        offer("tracking.open_run", f"POST {at}", alone),
        offer("tracking.write_run", f"POST {at}", alone | {"source_run_id": it.run.pk}),
        offer(write, f"PATCH {at}/{{model_id}}", {"status": "LOGGED_MODEL_READY"}, places=known),
        offer(write, f"DELETE {at}/{{model_id}}", places=known),
        offer(write, f"PATCH {at}/{{model_id}}/tags", tags, places=known),
        offer(
            write,
            f"DELETE {at}/{{model_id}}/tags/{{tag_key}}",
            places=known | {"tag_key": "tried"},
            first=lambda: it.logged.tags.create(key="tried", value="1"),
        ),
        offer(write, f"POST {at}/{{model_id}}/params", {"params": [{"key": "depth", "value": "3"}]}, places=known),
    ]


def _files(it: Scene) -> list[Offer]:
    put, delete = "PUT mlflow-artifacts/artifacts/{path*}", "DELETE mlflow-artifacts/artifacts/{path*}"
    of_run = f"{it.experiment.pk}/{it.run.pk}/artifacts/new.txt"
    of_model = f"{it.experiment.pk}/models/{it.logged.pk}/artifacts/new.txt"
    mine = {"about": lambda user: Upload(user=user)}
    return [
        offer("tracking.write_run", put, {"x": 1}, places={"path": of_run}),
        offer("tracking.write_logged_model", put, {"x": 1}, places={"path": of_model}),
        offer("tracking.upload", put, {"x": 1}, places={"path": f"uploads/{uuid4()}/model.json"}, **mine),
        offer("tracking.write_run", delete, places={"path": of_run}, first=lambda: put_file(it.run.tree)),
        offer("tracking.write_logged_model", delete, places={"path": of_model}, first=lambda: put_file(it.logged.tree)),
        offer("tracking.upload", delete, places={"path": f"uploads/{it.upload.pk}/model.json"}),
        in_parts("tracking.write_run", of_run),
        in_parts("tracking.write_logged_model", of_model),
        in_parts("tracking.upload", f"uploads/{uuid4()}/new.txt", **mine),
    ]


def in_parts(may: str, path: str, **chosen: Any) -> Offer:
    """A file in one part: begun, sent to the address that was answered, and completed."""
    folder, name = path.rsplit("/", 1)
    at, whole = {"places": {"folder": folder}}, {"path": name}

    def send(begun: Any) -> Offer:
        place = urlsplit(begun.json()["credentials"][0]["url"]).path
        return offer(may, f"PUT {place}", then=lambda sent: complete(begun.json()["upload_id"], sent["ETag"]))

    def complete(upload: str, etag: str) -> Offer:
        ended = whole | {"upload_id": upload, "parts": [{"part_number": 1, "etag": etag}]}
        return offer(may, "POST mlflow-artifacts/mpu/complete/{folder*}", ended, **at)

    begin = "POST mlflow-artifacts/mpu/create/{folder*}"
    return offer(may, begin, whole | {"num_parts": 1}, then=send, **at, **chosen)


def put_file(tree: Tree) -> None:
    store_file(tree=tree, path="new.txt", source=BytesIO(b"x"))


def _webhooks(it: Scene) -> list[Offer]:
    edit, known = "notifications.edit_webhook", {"webhook_id": it.webhook.uuid}
    new = {"name": "other", "url": a_webhook()["url"], "events": [{"entity": "MODEL_VERSION", "action": "CREATED"}]}
    return [
        offer("notifications.create_webhook", "POST mlflow/webhooks", new, about=hears_of),
        offer(edit, "PATCH mlflow/webhooks/{webhook_id}", {"description": "x"}, places=known),
        offer(edit, "DELETE mlflow/webhooks/{webhook_id}", places=known),
        offer(edit, "POST mlflow/webhooks/{webhook_id}/test", places=known, seen=noted("notifications.webhook_tested")),
    ]
