"""Asks the portal whose code lies in the working folder: run by the tests beside a database, answers JSON.

python ask.py see | write
"""

import json
import os
import sys
import uuid
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path.cwd()))
os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings"

import django

django.setup()

from django.apps import apps  # noqa: E402
from django.conf import settings  # noqa: E402
from django.test import Client  # noqa: E402

settings.SECURE_SSL_REDIRECT = False
settings.ALLOWED_HOSTS = ["testserver"]
settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
READER = "approver"
PAGES = (
    *("/", "/models/", "/m/eta-trip/", "/m/eta-trip/atlanta/", "/m/eta-trip/atlanta/v1/", "/models/eta-trip/versions/"),
    *("/promotions/", "/promotions/{wave}/", "/freezes/", "/experiments/", "/runs/{run}/"),
    *("/retraining/", "/retraining/{request}/", "/retraining/runs/{segment_run}/", "/retraining/policies/"),
    *("/tools/", "/tools/airflow/", "/decisions/", "/radar/", "/operations/", "/connections/", "/accounts/profile/"),
    *("/api/v1/families/eta-trip/fleet/", "/api/v1/versions/", "/api/v1/requests/{request}/", "/api/v1/runs/{run}/"),
    *("/api/v1/promotions/{wave}/", "/api/v1/tools/", "/api/v1/connections/", "/api/v1/signals/", "/api/v1/policies/"),
    "/api/2.0/mlflow/registered-models/alias?name=eta-trip.atlanta&alias=champion",
    "/api/2.0/mlflow/runs/get?run_id={run}",
)
COUNTED = ("audit.AuditEvent", "registry.ModelVersion", "registry.Evaluation", "registry.AliasMove", "tracking.Run")


def rows(name: str) -> Any:
    return apps.get_model(name).objects.order_by("pk")


def names() -> dict[str, str]:
    told = {"wave": "registry.Wave", "request": "retraining.RetrainingRequest", "segment_run": "retraining.SegmentRun"}
    known = {word: str(rows(model).first().pk) for word, model in told.items()}
    return known | {"wave": str(rows("registry.Wave").last().pk), "run": rows("retraining.SegmentRun").first().run_id}


def client() -> Client:
    """Signed in, and with a token for the doors that ask for one."""
    from apps.accounts.actions import create_token
    from apps.core.permissions import scopes

    reader = apps.get_model("accounts.User").objects.get(username=READER)
    secret = create_token(actor=reader, name=f"upgrade {uuid.uuid4()}", scopes=scopes()).secret
    made = Client(headers={"Authorization": f"Bearer {secret}"})
    made.force_login(reader, backend="django.contrib.auth.backends.ModelBackend")
    return made


def see() -> dict[str, Any]:
    """What stands there, counted before anything is asked, and how each page answers."""
    counts = {name: rows(name).count() for name in COUNTED}
    champions = list(rows("registry.Alias").values_list("model__name", "name", "version__number"))
    waves = list(rows("registry.Wave").values_list("pk", "status"))
    asked, places = client(), names()
    pages = {page: asked.get(page.format(**places)).status_code for page in PAGES}
    return {"counts": counts, "champions": champions, "waves": waves, "pages": pages}


def write() -> dict[str, Any]:
    """What people, clients and workers write all day; the status of each."""
    asked, places = client(), names()

    def post(address: str, **body: object) -> Any:
        answer = asked.post(address, json.dumps(body), content_type="application/json")
        done[address] = (
            answer.status_code if answer.status_code < 400 else (answer.status_code, answer.content.decode())
        )
        return answer.json() if answer.headers["Content-Type"].startswith("application/json") else {}

    done: dict[str, Any] = {}
    name = f"upgrade-{uuid.uuid4()}"
    experiment = post("/api/2.0/mlflow/experiments/create", name=name)["experiment_id"]
    run = post("/api/2.0/mlflow/runs/create", experiment_id=experiment, start_time=1)["run"]["info"]["run_id"]
    post("/api/2.0/mlflow/runs/log-metric", run_id=run, key="mae", value=6.5, timestamp=1)
    post("/api/2.0/mlflow/registered-models/create", name=name)
    post("/api/2.0/mlflow/model-versions/create", name=name, source=f"runs:/{run}/model", run_id=run)
    post("/api/v1/requests/", pipeline="toy", family="eta-trip", segments=["boston"])
    post("/api/v1/signals/", family="eta-trip", source="api", report={"kind": "volume", "verdict": "alarm"})
    wave = asked.get(f"/api/v1/promotions/{places['wave']}/").json()["wave"]
    post(f"/api/v1/promotions/{wave['id']}/approve/", digest=wave["digest"])
    return done


print(json.dumps({"see": see, "write": write}[sys.argv[1]]()))
