"""Sign-in, the guard against guessing, who may change people and teams."""

import re
from datetime import timedelta

import pytest
import time_machine
from axes.models import AccessAttempt
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import Client, override_settings
from django.utils import timezone

from apps.accounts import actions, queries
from apps.accounts.models import Membership, PortalRole, Team, User
from apps.audit.queries import timeline
from apps.core.errors import Conflict, Denied, Exists, Missing
from tests.conftest import api
from tests.factories import PASSWORD, UserFactory


def sign_in(client: Client, username: str, password: str) -> int:
    return client.post("/accounts/sign-in/", {"username": username, "password": password}).status_code


def test_a_person_signs_in_and_out(owner: User, client: Client) -> None:
    assert sign_in(client, "owner", PASSWORD) == 302
    assert client.get("/accounts/profile/").status_code == 200
    client.post("/accounts/sign-out/")
    assert client.get("/accounts/profile/").status_code == 302


def test_the_session_key_changes_at_sign_in(owner: User, client: Client) -> None:
    client.get("/accounts/sign-in/")
    client.session["planted"] = "1"
    before = client.session.session_key
    sign_in(client, "owner", PASSWORD)
    assert client.session.session_key != before


def test_guessing_is_stopped_and_said(owner: User, client: Client) -> None:
    answers = [sign_in(client, "owner", f"guess-{n}") for n in range(12)]
    assert answers[-1] == 429
    assert sign_in(client, "owner", PASSWORD) == 429


def test_guessing_at_one_name_locks_out_nobody_else(owner: User, colleague: User, client: Client) -> None:
    for n in range(12):
        sign_in(client, "owner", f"guess-{n}")
    assert sign_in(Client(), "colleague", PASSWORD) == 302


def test_a_password_in_the_wrong_field_is_counted_and_not_kept(owner: User, client: Client) -> None:
    sign_in(client, "owner", "guess")
    for typed in (PASSWORD, "Owner", "nobody"):
        assert [sign_in(client, typed, "x") for _ in range(12)][-1] == 429, "what is nobody's name is counted, too"
    kept = str(list(AccessAttempt.objects.values()))
    assert "'owner'" in kept
    assert not {PASSWORD, "Owner"} & set(re.findall(r"[\w-]+", kept))


def test_behind_a_proxy_who_guesses_does_not_lock_out_the_person(owner: User, client: Client) -> None:
    """The proxy writes last whence it was asked; what stands before, the browser may have made up."""

    def trying(password: str, whence: str) -> int:
        told = {"username": "owner", "password": password}
        return client.post("/accounts/sign-in/", told, headers={"x-forwarded-for": whence}).status_code

    with override_settings(AXES_IPWARE_META_PRECEDENCE_ORDER=["HTTP_X_FORWARDED_FOR", "REMOTE_ADDR"]):
        assert [trying("guess", f"10.9.9.{turn}, 10.1.1.1") for turn in range(12)][-1] == 429
        assert trying(PASSWORD, "10.1.1.2") == 302


def test_names_differ_whatever_the_case(owner: User) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        UserFactory.create(username="OWNER")


def test_an_admin_founds_a_team_and_fills_it(admin: User) -> None:
    team = actions.create_team(actor=admin, slug="pricing", name="Pricing")
    person = actions.create_user(actor=admin, username="ada", name="Ada", password=PASSWORD)
    actions.add_member(actor=admin, team=team, user=person, role=Membership.Role.LEAD)
    assert list(queries.leads_of(team)) == [person]
    assert queries.user(username="ADA").default_team == team


def test_an_admin_takes_members_and_roles_away_and_switches_accounts_off(admin: User, owner: User, team: Team) -> None:
    desk, browser = api(admin), Client()
    sign_in(browser, "owner", PASSWORD)
    assert desk.post("/api/v1/users/owner/give-role/", {"role": "board"}, format="json").status_code == 204
    assert owner.portal_roles.count() == 1
    assert desk.post("/api/v1/users/owner/take-role/", {"role": "board"}, format="json").status_code == 204
    assert desk.post("/api/v1/users/owner/take-role/", {"role": "board"}, format="json").status_code == 404
    leave = "/api/v1/teams/rides-eta/remove-member/"
    assert desk.post(leave, {"username": "owner"}, format="json").status_code == 204
    owner.refresh_from_db()
    assert owner.default_team is None, "what they make next would belong to the team they left"
    assert desk.post("/api/v1/users/owner/switch-off/").status_code == 204
    assert browser.get("/accounts/profile/").status_code == 302
    assert desk.post("/api/v1/users/owner/switch-on/").status_code == 204
    assert desk.post("/api/v1/users/admin/switch-off/").status_code == 409
    own = desk.post("/api/v1/users/admin/take-role/", {"role": "platform_admin"}, format="json")
    assert own.status_code == 409


def test_a_link_of_the_server_signs_an_admin_in_once_and_is_told(
    admin: User, owner: User, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CommandError, match="no platform admin"):
        call_command("break_glass", "owner", "just because")
    call_command("break_glass", "admin", "The provider is down")
    link = capsys.readouterr().out.strip()
    assert "The provider is down" in client.get(link).content.decode()
    assert client.get("/accounts/profile/").status_code == 302, "opening it is not enough"
    assert client.post(link).status_code == 302
    assert client.get("/accounts/profile/").status_code == 200
    assert timeline(admin).get(action="accounts.broke_glass").note == "The provider is down"
    assert Client().post(link).status_code == 403
    call_command("break_glass", "admin", "Again")
    late = capsys.readouterr().out.strip()
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        assert Client().post(late).status_code == 403
    assert Client().get("/accounts/sign-in/break-glass/forged/").status_code == 403


def test_a_member_changes_no_people(owner: User, team: Team) -> None:
    for verb in (
        lambda: actions.create_team(actor=owner, slug="x", name="X"),
        lambda: actions.create_user(actor=owner, username="x", name="X"),
        lambda: actions.add_member(actor=owner, team=team, user=owner, role=Membership.Role.LEAD),
        lambda: actions.give_role(actor=owner, user=owner, role=PortalRole.Role.BOARD),
    ):
        with pytest.raises(Denied, match="platform admin"):
            verb()


def test_a_slug_and_a_name_are_taken_once(admin: User, team: Team, owner: User) -> None:
    with pytest.raises(Exists):
        actions.create_team(actor=admin, slug=team.slug, name="Again")
    with pytest.raises(Exists):
        actions.create_user(actor=admin, username="Owner", name="Again")


@pytest.mark.django_db
def test_a_portal_is_founded_once() -> None:
    founder = actions.found_portal(username="root", name="Root", password=PASSWORD)
    assert actions.create_team(actor=founder, slug="first", name="First")
    with pytest.raises(Conflict):
        actions.found_portal(username="second", name="Second")


@pytest.mark.django_db
def test_what_is_not_there_is_missing() -> None:
    with pytest.raises(Missing):
        queries.team(slug="none")


def test_who_am_i(owner: User, client: Client) -> None:
    client.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/api/v1/me/").json() == {
        "username": "owner", "name": "Owner", "email": "", "teams": ["rides-eta"], "roles": [],
    }  # fmt: skip


def test_teams_are_paged(owner: User, stranger: User, client: Client) -> None:
    client.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get("/api/v1/teams/?page_size=1").json()
    assert (page["count"], len(page["results"])) == (2, 1)
    assert page["next"].endswith("page=2&page_size=1")
    assert client.get("/api/v1/teams/?page=99").status_code == 404


def test_an_admin_fills_a_team_over_the_api(admin: User) -> None:
    client = api(admin)
    assert client.post("/api/v1/teams/", {"slug": "maps", "name": "Maps"}, format="json").status_code == 201
    person = {"username": "ada", "name": "Ada", "password": PASSWORD}
    assert client.post("/api/v1/users/", person, format="json").status_code == 201
    wish = {"username": "ada", "role": "lead"}
    assert client.post("/api/v1/teams/maps/members/", wish, format="json").status_code == 201
    assert client.get("/api/v1/teams/maps/members/").json()["results"] == [wish]
    assert client.get("/api/v1/users/ada/").json() == {"username": "ada", "name": "Ada", "teams": ["maps"]}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("teams/", {"slug": "maps", "name": "Maps"}),
        ("users/", {"username": "ada", "name": "Ada"}),
        ("teams/rides-eta/members/", {"username": "owner", "role": "lead"}),
    ],
)
def test_a_member_changes_no_people_over_the_api(owner: User, path: str, body: dict[str, str]) -> None:
    answer = api(owner).post(f"/api/v1/{path}", body, format="json")
    assert (answer.status_code, answer.json()["message"][:21]) == (403, "Only a platform admin")


def test_a_password_that_is_easy_to_guess_is_refused(admin: User) -> None:
    answer = api(admin).post("/api/v1/users/", {"username": "ada", "name": "A", "password": "password"}, format="json")
    assert (answer.status_code, answer.json()["field"]) == (400, "password")
    assert not User.objects.filter(username="ada").exists()


@pytest.mark.django_db
def test_the_first_admins_password_is_asked_twice(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = iter([PASSWORD, "mistyped", PASSWORD, PASSWORD])
    monkeypatch.setattr("apps.accounts.management.commands.create_admin.getpass", lambda prompt: next(typed))
    with pytest.raises(CommandError, match="Nothing was made"):
        call_command("create_admin", "root")
    call_command("create_admin", "root")
    assert capsys.readouterr().out.startswith("root is the first platform admin. Sign in at ")
    assert queries.user(username="root").check_password(PASSWORD)
