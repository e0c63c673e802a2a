"""An MLflow server elsewhere, connected, with a logged model; a model here that may take a version."""

from collections.abc import Iterator

import pytest

from apps.accounts.models import User
from apps.platforms.actions import set_connection
from apps.platforms.models import Connection
from apps.registry.actions import create_model
from apps.registry.models import RegisteredModel
from tests.transfers.servers import Elsewhere, elsewhere

MODEL_ID, RUN_ID = "m-" + "a" * 32, "b" * 32
FILES = {"MLmodel": b"flavors: {}\n", "data/weights.json": b"[1, 2]", "requirements.txt": b""}


@pytest.fixture
def server() -> Iterator[Elsewhere]:
    with elsewhere() as made:
        made.log_model(MODEL_ID, RUN_ID, FILES, alpha="1")
        made.log_run(RUN_ID, {"model/MLmodel": b"old", "notes.txt": b"n"}, mae=[(9.0, 0), (7.5, 1), ("NaN", 2)])
        yield made


@pytest.fixture
def connection(admin: User, server: Elsewhere) -> Connection:
    return set_connection(actor=admin, name="tracking", kind="mlflow", address=server.address, secret="t0ken")


@pytest.fixture
def model(owner: User) -> RegisteredModel:
    return create_model(actor=owner, name="alone")
