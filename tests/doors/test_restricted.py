"""What is restricted to a team does not exist for others: one thing of each kind is planted, every address walked."""

from collections.abc import Iterator

import pytest
from django.test import Client
from rest_framework.test import APIClient

from apps.accounts.actions import create_service_account
from apps.accounts.models import Membership, Team, User
from apps.catalog.models import Decision
from apps.core.permissions import boundary_of
from apps.registry.models import Freeze, ModelFamily, Rollback, Wave
from apps.retraining.models import Pipeline, Policy, RetrainingRequest, Signal
from apps.tracking.models import Experiment, Run
from tests.architecture.test_doors import addresses as page_addresses
from tests.conftest import api, signed_in
from tests.doors.cast import Cast
from tests.doors.conftest import Everything
from tests.doors.offers import Offer
from tests.doors.scene import Scene
from tests.doors.test_every_door import addresses, filled
from tests.doors.walk import Keys, doors, tried
from tests.factories import UserFactory, put_into

pytestmark = pytest.mark.django_db
PLANTED = "zebra"
SEARCHES = ("?page_size=500", "?q=zeb", "?team=rides-eta")
OF_THE_TEAM = (
    *("families", "models", "versions", "evaluations", "promotions", "requests", "segment-runs", "runs"),
    *("experiments", "pipelines", "decisions", "freezes", "rollbacks", "policies", "signals", "incidents", "firings"),
)


@pytest.fixture
def hidden(everything: Everything, team: Team) -> Everything:
    """All of it is the team's own, and carries a word that stands nowhere else."""
    ModelFamily.objects.update(name="Zebra family", description="zebra", visibility="teams")
    Pipeline.objects.update(name="Zebra pipeline", description="zebra", visibility="teams")
    Experiment.objects.update(name="zebra-experiment", visibility="teams")
    Decision.objects.update(status="draft")  # only a draft can be edited
    Decision.objects.update(title="Zebra decision", outcome="zebra", team=team, visibility="teams")
    Decision.objects.update(status="proposed")
    Run.objects.update(name="zebra-run")
    Policy.objects.update(name="zebra-policy")
    Signal.objects.update(source="zebra")
    for model in (Wave, Freeze, Rollback, RetrainingRequest):
        model._base_manager.update(reason="zebra")
    return everything


@pytest.fixture
def outsiders(stranger: User, other_team: Team) -> list[User]:
    lead = put_into(other_team, UserFactory.create(username="foreign-lead"), Membership.Role.LEAD)
    return [stranger, lead, create_service_account(actor=lead, team=other_team, username="ci-food")]


def words(hidden: Everything) -> list[str]:
    """By which anybody would know that it is there."""
    return [PLANTED, "eta-trip", str(hidden.tracked.pk), hidden.decision.label.lower()]


def told(answer: object, secret: list[str]) -> list[str]:
    """What an answer that is one gives away."""
    if getattr(answer, "status_code", 404) >= 300:
        return []
    streamed = getattr(answer, "streaming_content", None)
    body = b"".join(streamed) if streamed is not None else answer.content  # type: ignore[attr-defined]
    text = body.decode(errors="replace").lower()
    return [word for word in secret if word in text]


def leaks(client: APIClient | Client, paths: list[str], secret: list[str]) -> Iterator[str]:
    for path in paths:
        if found := told(client.get(path), secret):
            yield f"{path} tells of {', '.join(found)}"


def api_paths(hidden: Everything) -> list[str]:
    plain = [address for address in addresses() if "{" not in address]
    return [filled(address, hidden) for address in addresses() if "{" in address] + [
        path + search for path in plain for search in SEARCHES
    ]


def page_paths() -> list[str]:
    """Lists, reports and feeds, and pages of what is for everybody; searched, too."""
    pages = [address for address in page_addresses() if not address.startswith(("api/", "ajax-api/", "static/"))]
    shown = [f"/{address}".replace("/tools/none/", "/tools/airflow/") for address in pages]
    return [path + search for path in shown if "sign-out" not in path for search in SEARCHES[:2]]


def test_no_address_of_the_api_tells_a_stranger_of_it(
    hidden: Everything, outsiders: list[User], approver: User
) -> None:
    paths, secret = api_paths(hidden), words(hidden)
    for outsider in outsiders:
        client = api(outsider)
        assert list(leaks(client, paths, secret)) == [], str(outsider)
        counts = {noun: client.get(f"/api/v1/{noun}/").json()["count"] for noun in OF_THE_TEAM}
        assert not any(counts.values()), counts
    assert len(list(leaks(api(approver), paths, secret))) > 30, "the walk finds nothing even where it is to be seen"


def test_no_page_list_report_or_feed_tells_a_stranger_of_it(
    hidden: Everything, outsiders: list[User], approver: User
) -> None:
    secret = words(hidden)
    for outsider in outsiders[:2]:
        found = list(leaks(signed_in(outsider), page_paths(), secret))
        assert not found, "\n".join(found)
    assert len(list(leaks(signed_in(approver), page_paths(), secret))) > 8


NAMING_NOTHING = {
    "POST lineage": "what somebody tells of a run that they do not see is kept as matched to none",
    "POST mlflow/registered-models/create": "a name within the family is taken, whoever asks for it",
    "POST retraining/retry-recent/": "finds what failed of one's own",
}
"""Offers that are about it and do not find it: how they answer whoever may not see it."""


def about_it(one: Offer, cast: Cast) -> bool:
    """Done to something of the restricted family, and not to the model that stands alone."""
    within = [boundary_of(cast.targets[name]) for name in one.may]
    named = one.at not in NAMING_NOTHING and one.body.get("name") != "alone"
    return named and all(found and found.family == "eta-trip" for found in within)


def test_no_verb_finds_it_for_a_foreign_lead_or_service_account(scene: Scene, cast: Cast) -> None:
    for model in (ModelFamily, Pipeline, Experiment):
        model._base_manager.update(visibility="teams")
    keys, who = Keys(), {"API": "foreign lead", "page": "foreign lead", "MLflow": "foreign service account"}
    found, tries = [], 0
    for door, (offered, ask) in doors(scene, keys).items():
        for one in offered:
            if about_it(one, cast):
                done, answer, _ = tried(cast.people[who[door]], one, ask, keys)
                tries += 1
                found += [f"{door} {one.at}: {answer.status_code}"] if done or answer.status_code != 404 else []
    assert not found, "\n".join(found)
    assert tries > 100


def test_nothing_open_names_what_is_restricted(hidden: Everything, editor: User) -> None:
    """A position, a ring or an answer that everybody reads can not name it, else its label would be told."""
    body = {"ring": "assess", "reason": "x", "decision": hidden.decision.label}
    hidden.move.delete()
    answer = api(hidden.decision.author).post("/api/v1/tools/airflow/moves/", body, format="json")
    assert answer.status_code == 400
    assert "Not everybody may see" in str(answer.json())


def test_a_decision_is_restricted_on_its_form_and_seen_by_its_team_and_the_board(
    everything: Everything, owner: User, stranger: User, board: User, editor: User, other_team: Team
) -> None:
    new = {"capability": "orchestration", "sourcing": "build", "title": "Ours", "visibility": "teams"}
    refused = api(editor).post("/api/v1/decisions/", new, format="json")
    assert "Name the team that may see it" in str(refused.json())
    made = api(editor).post("/api/v1/decisions/", new | {"team": "rides-eta"}, format="json").json()
    address = f"/decisions/{made['number']}/"
    seen = {user.username: signed_in(user).get(address).status_code for user in (owner, stranger, board, editor)}
    assert seen == {owner.username: 200, stranger.username: 404, board.username: 200, editor.username: 200}
