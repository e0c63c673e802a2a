"""Webhooks: what is sent, signed how, to whom; who may make them."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from apps.accounts.models import Team, User
from apps.audit.models import AuditEvent
from apps.core.errors import Conflict, Denied, Invalid, Missing
from apps.notifications import actions, queries, sending
from apps.notifications.mlflow_events import NAMES
from apps.notifications.models import Delivery, Webhook
from apps.registry import actions as registry
from apps.registry.actions.imports import import_alias
from apps.registry.models import ModelFamily, ModelVersion, Segment
from tests.notifications.conftest import MakeWebhook, read_everything
from tests.notifications.receivers import Call, Receiver
from tests.notifications.test_deliveries import let_time_pass
from tests.registry.conftest import MakeVersion

pytestmark = pytest.mark.django_db(transaction=True)


def deliver() -> None:
    read_everything()
    assert sending.send_due() is False


def test_a_registered_version_reaches_the_webhook_in_mlflows_words(
    make_webhook: MakeWebhook, receiver: Receiver, make_version: MakeVersion, atlanta: Segment
) -> None:
    make_webhook()
    version = make_version(atlanta)
    deliver()
    (call,) = receiver.calls
    said = json.loads(call.body)
    assert (said["entity"], said["action"]) == ("model_version", "created")
    assert (
        said["timestamp"]
        == AuditEvent.objects.get(action="registry.version_registered", target_id=str(version.pk)).at.isoformat()
    )
    assert set(said["data"]) == {"name", "version", "source", "run_id", "tags", "description"}
    assert call.path == "/hook?team=rides"
    assert call.headers["content-type"] == "application/json"
    assert call.headers["host"] == receiver.address.split("/")[2]
    assert UUID(call.headers["x-mlflow-delivery-id"]) == Delivery.objects.get().uuid
    assert abs(int(call.headers["x-mlflow-timestamp"]) - time.time()) < 60
    assert "x-mlflow-signature" not in call.headers


def test_a_move_of_an_alias_is_told_in_mlflows_words_and_beside_them_from_where_to_where_and_by_whom(
    make_webhook: MakeWebhook, receiver: Receiver, make_champion: MakeVersion, atlanta: Segment, approver: User
) -> None:
    """The receiver stumbles once and hears the first again under the same id; each delivery it takes once."""
    make_webhook(events=["model_version_alias.created"], secret="s3cret")
    first, second = make_champion(atlanta), make_champion(atlanta, content="2")
    registry.rollback(actor=approver, family=first.model.its_family, versions=[second], reason="It was slow.")
    receiver.will_answer(503)
    deliver()
    let_time_pass()
    deliver()
    stumbled, *others, again = receiver.calls
    assert stumbled.body == again.body
    ids = [call.headers["x-mlflow-delivery-id"] for call in receiver.calls]
    assert (len(ids), len(set(ids)), ids[0]) == (4, 3, ids[-1])
    assert all(is_signed(call, b"s3cret") for call in receiver.calls)
    said = [json.loads(call.body) for call in (again, *others)]
    named = {"name": "eta-trip.atlanta", "alias": "champion"}
    assert [one["data"] for one in said] == [{**named, "version": version} for version in ("1", "2", "1")]
    assert [one["portal"] for one in said] == [
        move(None, first, "promoted", "approver", "first one"),
        move("1", second, "promoted", "approver", "first one"),
        move("2", first, "rolled_back", "approver", "It was slow."),
    ]


def move(before: str | None, after: ModelVersion, by: str, actor: str, reason: str) -> dict[str, str | None]:
    return {
        "from_version": before,
        "to_version": str(after.number),
        "digest": after.digest,
        "actor": actor,
        "reason": reason,
        "by": by,
        "family": "eta-trip",
    }


def test_an_alias_that_came_over_from_another_registry_is_told_too(
    make_webhook: MakeWebhook, receiver: Receiver, make_version: MakeVersion, atlanta: Segment, approver: User
) -> None:
    make_webhook(events=["model_version_alias.created"])
    import_alias(
        actor=approver, version=make_version(atlanta, kind="imported"), alias="champion", reason="As it was there."
    )
    deliver()
    (call,) = receiver.calls
    told = json.loads(call.body)
    assert (told["data"]["version"], told["portal"]["from_version"], told["portal"]["by"]) == (
        "1",
        None,
        "alias_imported",
    )


def test_a_prompt_is_told_of_by_words_of_its_own(make_webhook: MakeWebhook, receiver: Receiver, owner: User) -> None:
    make_webhook(events=list(NAMES))
    prompt = registry.create_model(actor=owner, name="alias-prompt", tags={"mlflow.prompt.is_prompt": "true"})
    version = registry.create_version(
        actor=owner,
        model=prompt,
        origin=registry.Origin("dummy-source"),
        tags={"mlflow.prompt.is_prompt": "true", "mlflow.prompt.text": "Hi {{name}}", "team": "rides"},
    )
    registry.tag_model(actor=owner, model=prompt, key="k", value="v")
    registry.untag_model(actor=owner, model=prompt, key="k")
    registry.tag_version(actor=owner, version=version, key="k", value="v")
    registry.untag_version(actor=owner, version=version, key="k")
    registry.move_alias(actor=owner, version=version, alias="z-longer-than-the-mark-of-prompts")
    registry.delete_alias(actor=owner, model=prompt, alias="z-longer-than-the-mark-of-prompts")
    deliver()
    said = [json.loads(call.body) for call in receiver.calls]
    named, numbered = {"name": "alias-prompt"}, {"name": "alias-prompt", "version": "1"}
    described = {"tags": {"team": "rides"}, "description": None}
    tagged, alias = {"key": "k", "value": "v"}, {"alias": "z-longer-than-the-mark-of-prompts"}
    assert {f"{one['entity']}.{one['action']}": one["data"] for one in said} == {
        "prompt.created": {**named, "tags": {}, "description": None},
        "prompt_version.created": {**numbered, "template": "Hi {{name}}", **described},
        "prompt_tag.set": {**named, **tagged},
        "prompt_tag.deleted": {**named, "key": "k"},
        "prompt_version_tag.set": {**numbered, **tagged},
        "prompt_version_tag.deleted": {**numbered, "key": "k"},
        "prompt_alias.created": {**numbered, **alias},
        "prompt_alias.deleted": {**named, **alias},
    }


def test_what_is_sent_is_signed_with_the_secret(
    make_webhook: MakeWebhook, receiver: Receiver, make_version: MakeVersion, atlanta: Segment
) -> None:
    make_webhook(secret="s3cret")
    make_version(atlanta)
    deliver()
    (call,) = receiver.calls
    assert is_signed(call, b"s3cret")


def is_signed(call: Call, secret: bytes) -> bool:
    signed = f"{call.headers['x-mlflow-delivery-id']}.{call.headers['x-mlflow-timestamp']}.{call.body}"
    mac = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
    return call.headers["x-mlflow-signature"] == "v1," + base64.b64encode(mac).decode()


def test_a_secret_is_nowhere_to_be_read(make_webhook: MakeWebhook) -> None:
    made = make_webhook(secret="correct-horse")
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_jsonb(w)::text FROM notifications_webhook w UNION SELECT to_jsonb(a)::text"
                       " FROM audit_auditevent a")  # fmt: skip
        told = " ".join(row for (row,) in cursor.fetchall())
    assert "correct-horse" not in told
    assert base64.b64encode(b"correct-horse").decode() not in told
    assert made.sealed_secret
    assert made.sealed_secret in told


def test_a_teams_webhook_hears_of_its_own_things_only(
    make_webhook: MakeWebhook, receiver: Receiver, make_version: MakeVersion, atlanta: Segment,
    team: Team, other_team: Team,
) -> None:  # fmt: skip
    make_webhook(name="own", team=team)
    make_webhook(name="foreign", team=other_team)
    make_version(atlanta)
    deliver()
    assert [delivery.webhook.name for delivery in Delivery.objects.all() if delivery.webhook] == ["own"]
    assert len(receiver.calls) == 1


def test_a_restricted_family_is_told_to_its_teams_webhook_and_to_no_other(
    make_webhook: MakeWebhook, make_version: MakeVersion, atlanta: Segment, team: Team, family: ModelFamily
) -> None:
    ModelFamily.objects.filter(pk=family.pk).update(visibility=ModelFamily.Visibility.TEAMS)
    make_webhook(name="everything")
    make_webhook(name="own", team=team)
    make_version(atlanta)
    read_everything()
    assert [delivery.webhook.name for delivery in Delivery.objects.all() if delivery.webhook] == ["own"]


def test_a_webhook_hears_nothing_from_before_it_was_made(
    make_webhook: MakeWebhook, make_version: MakeVersion, atlanta: Segment
) -> None:
    make_version(atlanta)
    make_webhook()
    read_everything()
    assert not Delivery.objects.exists()


def test_one_that_is_switched_off_or_deleted_hears_nothing(
    make_webhook: MakeWebhook, make_version: MakeVersion, receiver: Receiver, atlanta: Segment, admin: User
) -> None:
    off, deleted, late = make_webhook(name="off"), make_webhook(name="deleted"), make_webhook(name="late")
    actions.update_webhook(actor=admin, webhook=off, status="DISABLED")
    actions.delete_webhook(actor=admin, webhook=deleted)
    make_version(atlanta)
    read_everything()
    actions.update_webhook(actor=admin, webhook=late, status="DISABLED")
    sending.send_due()
    dropped = Delivery.objects.get()
    assert (dropped.webhook, dropped.status) == (late, "dropped")
    assert "switched off" in dropped.problem
    assert receiver.calls == []


@pytest.mark.parametrize("event", NAMES)
def test_a_test_sends_an_example_of_any_event(make_webhook: MakeWebhook, receiver: Receiver, event: str) -> None:
    webhook = make_webhook(secret="s")
    outcome = actions.send_example(actor=webhook.created_by, webhook=webhook, event=event)
    assert (outcome.taken, outcome.status, outcome.body) == (True, 200, "thank you")
    said = json.loads(receiver.calls[0].body)
    assert f"{said['entity']}.{said['action']}" == event
    assert "x-mlflow-signature" in receiver.calls[0].headers


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"name": ""}, "Webhook name '' is invalid"),
        ({"name": "-x"}, "is invalid"),
        ({"name": "x" * 64}, "is invalid"),
        ({"name": "a\n"}, "is invalid"),
        ({"url": "  "}, "cannot be empty or just whitespace"),
        ({"url": "ftp://example.org/"}, "Invalid webhook URL scheme: 'ftp'. Allowed schemes are: http, https."),
        ({"url": "http://"}, "names no host"),
        ({"url": "http://10.0.0.1/"}, "not a public address"),
        ({"url": "http://169.254.169.254/latest/meta-data"}, "not a public address"),
        ({"url": "http://[::ffff:10.0.0.1]/"}, "not a public address"),
        ({"url": "http://u:p@127.0.0.1/"}, "user name or a password"),
        ({"url": "http://no-such-host.invalid/"}, "can not be resolved"),
        ({"events": []}, "Webhook events must be a non-empty list"),
        ({"events": ["model.exploded"]}, "no webhook event 'model.exploded'"),
        ({"status": "SLEEPING"}, "ACTIVE or DISABLED"),
        ({"secret": "x" * 1001}, "at most 1000"),
    ],
    ids=str,
)
def test_a_wrong_webhook_is_refused_with_a_sentence(
    make_webhook: MakeWebhook, wrong: dict[str, Any], message: str
) -> None:
    with pytest.raises(Invalid, match=message):
        make_webhook(**wrong)
    assert not Webhook.objects.exists()


def test_admins_make_any_webhook_and_leads_their_teams(
    make_webhook: MakeWebhook, approver: User, owner: User, team: Team, other_team: Team
) -> None:
    assert make_webhook(actor=approver, team=team).team == team
    for actor, of in [(approver, None), (approver, other_team), (owner, team)]:
        with pytest.raises(Denied):
            make_webhook(actor=actor, team=of)


def test_who_may_not_edit_a_webhook_does_not_see_it(
    make_webhook: MakeWebhook, approver: User, stranger: User, owner: User, team: Team, admin: User
) -> None:
    portal_wide, teams = make_webhook(), make_webhook(actor=approver, team=team)
    assert list(queries.webhooks(admin)) == [teams, portal_wide]
    assert list(queries.webhooks(approver)) == [teams]
    for nobody in (owner, stranger):
        with pytest.raises(Missing, match=f"Webhook with ID {teams.uuid} not found"):
            queries.webhook(actor=nobody, webhook_id=str(teams.uuid))
        with pytest.raises(Denied):
            actions.update_webhook(actor=nobody, webhook=teams, name="mine")
        with pytest.raises(Denied):
            actions.delete_webhook(actor=nobody, webhook=teams)
        with pytest.raises(Denied):
            actions.send_example(actor=nobody, webhook=teams)


def test_a_change_says_what_changed_and_hides_the_secret(make_webhook: MakeWebhook, admin: User) -> None:
    webhook = make_webhook()
    changed = actions.update_webhook(actor=admin, webhook=webhook, description="to CI", secret="abc")
    event = AuditEvent.objects.get(action="notifications.webhook_changed")
    assert (event.before["signed"], event.after["signed"], event.after["secret"]) == (False, True, "changed")
    assert changed.updated_at > webhook.updated_at
    assert actions.update_webhook(actor=admin, webhook=changed, secret="").sealed_secret == ""


def test_a_deleted_webhook_is_gone_and_can_not_be_changed(make_webhook: MakeWebhook, admin: User) -> None:
    webhook = make_webhook(secret="abc")
    actions.delete_webhook(actor=admin, webhook=webhook)
    assert not queries.webhooks(admin).exists()
    assert Webhook.objects.get().sealed_secret == ""
    with pytest.raises(Conflict, match="deleted meanwhile"):
        actions.update_webhook(actor=admin, webhook=webhook, name="again")
