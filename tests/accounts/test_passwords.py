"""Another password of one's own: on a page, for who shows the current one, and told in the audit."""

import pytest
from axes.models import AccessAttempt
from django.test import Client, override_settings

from apps.accounts import actions, queries
from apps.accounts.models import Team, User
from apps.audit.queries import timeline
from apps.core.context import Door, present, through
from apps.core.errors import Denied, Invalid
from tests.conftest import api, signed_in
from tests.factories import PASSWORD, UserFactory

PAGE, PROFILE = "/accounts/profile/password/", "/accounts/profile/"
OTHER = "quiet-river-39-lamp"


def sign_in(client: Client, password: str) -> int:
    return client.post("/accounts/sign-in/", {"username": "owner", "password": password}).status_code


def change(browser: Client, current: str, new: str = OTHER, again: str = "") -> tuple[int, dict[str, list[str]]]:
    """The status, and what stands at which field."""
    answer = browser.post(PAGE, {"old_password": current, "new_password1": new, "new_password2": again or new})
    return answer.status_code, dict(answer.context["form"].errors) if answer.status_code == 400 else {}


def test_a_person_changes_their_password_and_stays_in_this_browser_alone(owner: User) -> None:
    here, elsewhere, desk = Client(), Client(), api(owner)
    assert [sign_in(browser, PASSWORD) for browser in (here, elsewhere)] == [302, 302]
    assert PAGE in here.get(PROFILE).content.decode()
    key = here.session.session_key
    form = {"old_password": PASSWORD, "new_password1": OTHER, "new_password2": OTHER}
    assert "Your password is changed" in here.post(PAGE, form, follow=True).content.decode()
    assert here.session.session_key != key
    assert here.get(PROFILE).status_code == 200
    assert elsewhere.get(PROFILE).status_code == 302
    assert desk.get("/api/v1/me/").status_code == 200, "tokens go on"
    assert (sign_in(Client(), PASSWORD), sign_in(Client(), OTHER)) == (200, 302)
    told = timeline(owner).get(action="accounts.password_changed")
    assert told.actor_username == "owner"
    assert not [word for word in (PASSWORD, OTHER, "md5") if word in str(vars(told))]


def test_what_is_wrong_stands_at_its_field_and_changes_nothing(owner: User) -> None:
    browser = signed_in(owner)
    assert change(browser, "guess")[1].keys() == {"old_password"}
    assert change(browser, PASSWORD, again="other")[1].keys() == {"new_password2"}
    for easy in ("short", "password1", "owner-12"):
        assert change(browser, PASSWORD, easy)[1].keys() == {"new_password1"}, easy
    assert change(browser, "", "", "")[1].keys() == {"old_password", "new_password1", "new_password2"}
    assert sign_in(Client(), PASSWORD) == 302
    with pytest.raises(Invalid):
        actions.change_password(actor=owner, password="password1")


def test_guessing_on_an_open_browser_is_stopped_with_that_of_the_sign_in(owner: User) -> None:
    browser = signed_in(owner)
    assert {sign_in(Client(), f"guess-{turn}") for turn in range(6)} == {200}
    answers = [change(browser, f"guess-{turn}")[0] for turn in range(6)]
    assert (answers[0], answers[-1]) == (400, 429)
    assert change(browser, PASSWORD)[0] == 429, "the right one opens nothing, either"
    assert sign_in(Client(), PASSWORD) == 429
    assert owner.check_password(PASSWORD)
    kept = str(list(AccessAttempt.objects.values()))
    assert "new_password1" in kept
    assert not {"guess-0", OTHER} & set(kept.replace("=", " ").replace("\\n", " ").split())


def test_who_has_no_password_here_is_offered_none(owner: User, approver: User, team: Team) -> None:
    service = actions.create_service_account(actor=approver, team=team, username="ci-rides")
    for user in (UserFactory.create(username="sso", password=None), service):
        assert PAGE not in signed_in(user).get(PROFILE).content.decode()
        assert signed_in(user).get(PAGE).status_code == signed_in(user).post(PAGE).status_code == 403
        with pytest.raises(Denied, match="no password here"):
            actions.change_password(actor=user, password=OTHER)
    with override_settings(LOCAL_PASSWORDS=False):
        assert signed_in(owner).get(PAGE).status_code == 403
        assert PAGE not in signed_in(owner).get(PROFILE).content.decode()


def test_a_token_changes_no_password(owner: User) -> None:
    made = actions.create_token(actor=owner, name="all", scopes=["accounts:write"])
    bearer = {"authorization": f"Bearer {made.secret}"}
    assert Client(headers=bearer).post(PAGE, {"old_password": PASSWORD}).status_code == 302
    with through(Door.API):
        present(made.row.credential)
        with pytest.raises(Denied, match="token changes no password"):
            actions.change_password(actor=queries.user(username="owner"), password=OTHER)
