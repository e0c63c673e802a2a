"""The API's description: complete, true to its snapshot, and of some use to whoever reads it."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from django.test import Client

from apps.accounts.models import User
from tests.conftest import signed_in

SNAPSHOT = Path(__file__).with_name("openapi.yml")
PROMISED = (
    *("families", "models", "versions", "evaluations", "promotions", "pipelines", "requests", "segment-runs"),
    *("tools", "decisions", "runs", "experiments", "workers", "webhooks", "deliveries", "teams", "tokens", "me"),
)


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Written anew; a warning of the generator is a failure."""
    path = tmp_path_factory.mktemp("openapi") / "openapi.yml"
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(path))
    return path


def operations(described: Path) -> list[tuple[str, dict[str, Any]]]:
    paths = yaml.safe_load(described.read_text())["paths"]
    return [(f"{verb} {path}", told) for path, verbs in paths.items() for verb, told in verbs.items()]


def test_the_api_is_that_of_its_snapshot(described: Path) -> None:
    assert described.read_text() == SNAPSHOT.read_text(), "The API has changed. Where that is meant: make openapi"


def test_every_noun_that_people_were_promised_is_there(described: Path) -> None:
    nouns = {name.split("/")[3] for name, _ in operations(described)}
    assert set(PROMISED) <= nouns


def test_every_operation_takes_a_token(described: Path) -> None:
    closed: list[dict[str, list[str]]] = [{"token": []}, {"cookieAuth": []}]
    trades = {"post /api/v1/ci-token/"}  # a CI system's own ID token is what it takes
    assert {name for name, told in operations(described) if told.get("security") != closed} == trades


def test_every_list_is_paged_but_for_the_map_of_a_fleet_and_the_few_things_of_one(described: Path) -> None:
    unpaged = {name for name, told in operations(described) if name.startswith("get") and _answers_an_array(told)}
    few = {name for name in unpaged if name.endswith(("}/links/", "}/data/"))}
    assert unpaged - few == {"get /api/v1/families/{slug}/fleet/"}


def _answers_an_array(told: dict[str, Any]) -> bool:
    answers = told["responses"].get("200", {}).get("content", {}).get("application/json", {})
    return answers.get("schema", {}).get("type") == "array"


@pytest.mark.django_db
def test_its_page_shows_it_without_any_other_host(owner: User) -> None:
    browser: Client = signed_in(owner)
    page = browser.get("/api/v1/docs/")
    assert page.status_code == 200
    assert "//" not in page.content.decode().replace("http://testserver", "").replace("https://testserver", "")
    assert browser.get("/api/v1/schema/").status_code == 200
