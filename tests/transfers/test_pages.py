"""What the pages show of a version whose files lie on the company's own server."""

import pytest

from apps.accounts.models import User
from apps.platforms.models import Connection
from apps.registry.actions import Origin, create_model
from apps.registry.models import ModelFamily, ModelVersion, RegisteredModel
from apps.transfers import actions, bringing
from tests.conftest import signed_in
from tests.registry.conftest import family
from tests.transfers.conftest import MODEL_ID

__all__ = ["family"]
pytestmark = pytest.mark.django_db(transaction=True)
UNKNOWN = "m-" + "c" * 32


def register(owner: User, model: RegisteredModel, model_id: str) -> ModelVersion:
    origin = Origin(f"models:/{model_id}", logged_model=model_id)
    return actions.register_from_elsewhere(actor=owner, model=model, origin=origin)


def test_a_version_is_shown_while_it_waits_when_it_is_here_and_when_it_never_came(
    owner: User, family: ModelFamily, connection: Connection
) -> None:
    model, browser = create_model(actor=owner, name="eta-trip.atlanta"), signed_in(owner)

    def page(version: ModelVersion) -> str:
        return browser.get(f"/m/eta-trip/atlanta/v{version.number}/").content.decode()

    version = register(owner, model, MODEL_ID)
    assert "Its files are on their way" in page(version)
    bringing.bring_next()
    assert "on their way" not in page(version)
    assert "data/weights.json" in page(version)
    assert 'class="mono">mae</dt><dd>5</dd>' in page(version)
    assert 'class="mono">alpha</th>' in page(version)
    failed = register(owner, model, UNKNOWN)
    bringing.bring_next()
    assert f"None of the connected MLflow servers (tracking) knows {UNKNOWN}" in page(failed)
    assert "Failed registration" in browser.get("/m/eta-trip/atlanta/").content.decode()
