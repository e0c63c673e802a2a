"""What a rule removes, what stays, and what is said where it was."""

from __future__ import annotations

import inspect
from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test import TestCase
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import Membership, User
from apps.artifacts.actions import sweep
from apps.artifacts.queries import files_of, open_stored
from apps.audit import actions as audit
from apps.audit.models import AuditEvent
from apps.core.errors import Conflict, Denied, Invalid, Missing
from apps.registry.actions import Refused, delete_version, move_alias, propose, register_version, report_serving
from apps.registry.models import ModelFamily, ModelVersion
from apps.retention import lists, tasks
from apps.retention.actions import cut_more, set_rule
from apps.retention.models import Cut, Rule
from apps.retention.queries import due_rules, preview, rests_because, rule_of
from apps.retention.terms import Kind, Terms
from apps.retraining.models import Attempt
from apps.tracking.models import Metric, Run
from tests.conftest import api, signed_in
from tests.retention.conftest import ALL, Trained, cut_all, make_rule

pytestmark = pytest.mark.django_db


def going(family: ModelFamily, kind: Kind = Kind.FILES) -> list[lists.Item]:
    return lists.items(kind, list(lists.found(family, kind, 30)))


def names(items: list[lists.Item]) -> list[str]:
    return [f"{item.what}: {item.name}" for item in items]


def test_a_family_without_a_rule_keeps_everything(family: ModelFamily, later: None) -> None:
    assert rule_of(family) is None
    assert not due_rules().exists()
    assert preview(family, Terms()).takes_nothing


def test_a_preview_says_what_goes_and_changes_nothing(family: ModelFamily, trained: list[Trained], later: None) -> None:
    found = preview(family, ALL)
    told = {part.kind: (part.count, part.size) for part in found.parts}
    assert told == {
        Kind.LOGS: (3, sum(len(one.run.log) for one in trained)),
        Kind.ATTEMPTS: (3, None),
        Kind.METRICS: (12, None),
        # Of two versions the models, which nothing shares; and the empty trees of nobody.
        Kind.FILES: (2, 200),
    }
    assert all(part.oldest for part in found.parts)
    assert names(going(family)) == ["version: Atlanta v1", "version: Atlanta v2"]
    assert len(going(family, Kind.LOGS)) == len(going(family, Kind.ATTEMPTS)) == 3
    assert [item.amount for item in going(family, Kind.METRICS)] == [4, 4, 4]
    assert preview(family, ALL).plan == found.plan
    assert preview(family, Terms(files_days=365)).takes_nothing
    assert Metric.objects.filter(key="loss").count() == 15
    assert not Cut.objects.exists()


def test_a_rule_cuts_what_was_looked_at_and_says_so(
    family: ModelFamily, approver: User, trained: list[Trained], later: None
) -> None:
    was = {part.kind: part.count for part in preview(family, ALL).parts}
    digests = dict(ModelVersion.objects.values_list("pk", "digest"))
    rule = make_rule(approver, family)
    assert cut_all(rule) == 4
    cut = Cut.objects.get()
    assert (cut.logs, cut.attempts, cut.points, cut.trees) == tuple(was.values())
    assert (cut.versions, cut.file_bytes, cut.by) == (2, 200, approver)
    assert cut.finished_at
    for one in trained:
        one.run.refresh_from_db()
        assert one.run.log == ""
        assert one.run.log_cut_at
        assert one.run.attempts_cut_at
        assert list(one.run.attempts.values_list("number", flat=True)) == [2]
        assert list(Metric.objects.filter(run=one.run.run_id, key="loss").values_list("value", "step")) == [(1.0, 4)]
    assert dict(ModelVersion.objects.values_list("pk", "digest")) == digests
    with open_stored(files_of(trained[2].version.its_tree).get(path="model.json")) as body:
        assert body.read() == b"2" * 100
    with pytest.raises(Missing, match="rule of retention"):
        open_stored(files_of(trained[0].version.its_tree).get(path="model.json"))
    event = AuditEvent.objects.get(action="retention.cut")
    assert (event.actor_id, event.target_name) == (approver.pk, family.name)
    assert event.after == {**{k: v for k, v in cut.sums.items() if v}, "rule": ALL.told}
    removed = AuditEvent.objects.filter(action="retention.files_removed").order_by("id")
    assert [one.target_id for one in removed] == [str(one.version.pk) for one in trained[:2]]
    assert preview(family, ALL).takes_nothing
    assert not cut_more(rule_id=rule.pk)
    assert Cut.objects.count() == 1


def test_the_bytes_leave_the_store_a_week_later(
    family: ModelFamily, approver: User, trained: list[Trained], later: None
) -> None:
    cut_all(make_rule(approver, family))
    with time_machine.travel(timezone.now() - timedelta(days=60)):  # by the clocks of database and store
        assert sweep().files == 0
    assert sweep().files == 2, "the notes are the third version's, too"


def test_what_was_removed_is_said_where_it_was(
    family: ModelFamily, approver: User, owner: User, trained: list[Trained], later: None
) -> None:
    cut_all(make_rule(approver, family))
    first = trained[0]
    page = signed_in(owner)
    said = page.get(f"/retraining/runs/{first.run.pk}/").content.decode()
    assert "The log was removed on" in said
    assert "Those before the last were removed on" in said
    assert "Points before the last of each were removed on" in said
    assert page.get(f"/retraining/runs/{first.run.pk}/log/").status_code == 404
    places = ("eta-trip", "atlanta", first.version.number)
    for address in (reverse("dashboard:version", args=places), reverse("dashboard:run", args=[first.run.run_id])):
        shown = page.get(address).content.decode()
        assert "These files were removed on" in shown
        assert "model.json" in shown
        assert page.get(f"{address}?file=model.json").status_code == 200
    client, experiment = api(owner), Run.objects.get(pk=first.run.run_id).experiment_id
    listed = client.get(f"/api/v1/versions/{first.version.pk}/files/").json()["results"]
    (file,) = [one for one in listed if one["path"] == "model.json"]
    assert file["removed_at"]
    assert len(file["sha256"]) == 64
    assert client.get(f"/api/v1/runs/{first.run.run_id}/").json()["history_cut_at"]
    assert client.get(f"/api/v1/segment-runs/{first.run.pk}/").json()["log_cut_at"]
    for address in (
        f"/api/v1/versions/{first.version.pk}/files/model.json",
        f"/api/2.0/mlflow-artifacts/artifacts/versions/{first.version.pk}/model.json",
        f"/api/2.0/mlflow-artifacts/artifacts/{experiment}/{first.run.run_id}/artifacts/model.json",
    ):
        answer = client.get(address)
        assert answer.status_code == 404, address
        assert "were removed on" in answer.json()["message"]
    assert answer.json()["error_code"] == "RESOURCE_DOES_NOT_EXIST"
    copied = client.post(
        "/api/2.0/mlflow/model-versions/create",
        {"name": "eta-trip.atlanta", "source": f"runs:/{first.run.run_id}", "run_id": first.run.run_id},
        format="json",
    )
    assert copied.status_code < 500
    assert "were removed" in copied.json()["message"]


def test_what_somebody_needs_is_never_cut(
    family: ModelFamily, approver: User, owner: User, trained: list[Trained], later: None
) -> None:
    move_alias(actor=owner, version=trained[0].version, alias="candidate")
    assert names(going(family)) == ["version: Atlanta v2"]
    report_serving(actor=owner, version=trained[1].version, place="eta-api")
    ModelVersion.objects.get(pk=trained[1].version.pk).consumption.update(last_at=timezone.now())
    assert going(family) == []
    rule = make_rule(approver, family)
    assert cut_all(rule) == 3
    assert Cut.objects.get().trees == 0


def test_a_version_that_stands_on_the_same_files_keeps_them(
    family: ModelFamily, owner: User, trained: list[Trained], later: None
) -> None:
    first = trained[0].version
    register_version(
        actor=owner,
        family=family,
        segment=family.dimension.segments.get(slug="boston"),
        run=None,
        tree=first.its_tree,
        kind="trained",
        trained_from=None,
        trained_through=None,
        parameters={},
        pipeline="toy",
        origin=None,
    )
    assert names(going(family)) == ["version: Atlanta v2"]


def test_a_deleted_version_and_runs_without_one_go_too(
    family: ModelFamily, approver: User, owner: User, trained: list[Trained], later: None
) -> None:
    delete_version(actor=owner, version=trained[2].version)
    assert names(going(family)) == ["version: Atlanta v1", "version: Atlanta v3"], "now the second is the newest"


def test_what_is_used_between_preview_and_cut_stays(
    family: ModelFamily, approver: User, owner: User, trained: list[Trained], later: None
) -> None:
    rule = make_rule(approver, family, Terms(files_days=30))
    move_alias(actor=owner, version=trained[0].version, alias="candidate")
    cut_all(rule)
    assert Cut.objects.get().versions == 1
    assert not ModelVersion.objects.get(pk=trained[0].version.pk).its_tree.farewell


def test_a_rule_is_set_with_the_plan_that_was_looked_at_and_begins_a_day_later(
    family: ModelFamily, approver: User, admin: User, owner: User, trained: list[Trained], later: None
) -> None:
    seen = preview(family, ALL).plan
    for plan in ("", "0" * 64, preview(family, Terms(files_days=30)).plan):
        with pytest.raises(Conflict, match="look at it again"):
            set_rule(actor=approver, family=family, terms=ALL, plan=plan)
    with pytest.raises(Denied, match="lead of the team"):
        set_rule(actor=owner, family=family, terms=ALL, plan=seen)
    with pytest.raises(Invalid, match="Between 30 and"):
        set_rule(actor=approver, family=family, terms=Terms(files_days=7), plan=seen)
    with time_machine.travel(timezone.now() - timedelta(days=59)):  # the database's clock says when it was set
        rule = set_rule(actor=admin, family=family, terms=ALL, plan=preview(family, ALL).plan)
    with time_machine.travel(rule.set_at + timedelta(hours=23)):
        assert not due_rules().exists()
        assert not cut_more(rule_id=rule.pk)
    with time_machine.travel(rule.set_at + timedelta(hours=25)):
        assert due_rules().get() == rule
    set_rule(actor=admin, family=family, terms=Terms(), plan="")
    assert not due_rules().exists()
    told = AuditEvent.objects.filter(action="retention.rule_set").order_by("id")
    assert [one.after for one in told] == [ALL.told, Terms().told]


def test_a_rule_rests_when_who_set_it_may_not_any_more(
    family: ModelFamily, approver: User, trained: list[Trained], later: None
) -> None:
    rule = make_rule(approver, family)
    Membership.objects.filter(user=approver).update(role=Membership.Role.MEMBER)
    rule = Rule.objects.get()
    with pytest.raises(Denied):
        cut_more(rule_id=rule.pk)
    assert "may not any more" in rests_because(rule, family)
    assert not Cut.objects.exists()


@pytest.mark.parametrize("change", ["logs_days = 6", "files_days = 29", "metrics_days = 3651", "attempts_days = 0"])
def test_the_database_refuses_a_rule_that_is_out_of_all_measure(
    family: ModelFamily, approver: User, trained: list[Trained], change: str
) -> None:
    make_rule(approver, family)
    refused = pytest.raises(IntegrityError, match="are_kept_for_a_while")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE retention_rule SET {change}")


def test_no_door_cuts_the_audit(family: ModelFamily, approver: User, trained: list[Trained], later: None) -> None:
    """Not a rule, not the database's own language, not a verb of ours."""
    before = list(AuditEvent.objects.order_by("id").values())
    cut_all(make_rule(approver, family))
    after = list(AuditEvent.objects.order_by("id").values())
    assert after[: len(before)] == before
    for change in ("DELETE FROM audit_auditevent", "UPDATE audit_auditevent SET note = ''"):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(change)
    for model_wide in (AuditEvent.objects.all().delete, lambda: AuditEvent.objects.update(note="")):
        with pytest.raises(IntegrityError), transaction.atomic():
            model_wide()
    verbs = {name for name, _ in inspect.getmembers(audit, inspect.isfunction) if not name.startswith("_")}
    own = {name for name in verbs if getattr(audit, name).__module__ == audit.__name__}
    assert own == {"record", "record_many", "shift_transactions"}, "there is no verb that takes anything from it"
    assert list(AuditEvent.objects.order_by("id").values())[: len(after)] == after


def test_the_command_says_what_would_go_and_cuts_when_told(
    family: ModelFamily, approver: User, trained: list[Trained], later: None
) -> None:
    make_rule(approver, family)
    told = StringIO()
    call_command("retention", "--dry-run", stdout=told)
    assert "eta-trip: logs kept 30 days, 3 to go" in told.getvalue()
    assert "eta-trip: files kept 30 days, 2 to go (200 bytes)" in told.getvalue()
    assert not Cut.objects.exists()
    call_command("retention", "--cut", stdout=told)
    assert Cut.objects.get().versions == 2
    assert Attempt.objects.count() == 3


def test_a_version_without_its_files_is_not_proposed(
    family: ModelFamily, approver: User, owner: User, trained: list[Trained], later: None
) -> None:
    cut_all(make_rule(approver, family))
    with pytest.raises(Refused, match=r"files of v1 were removed by the family's rule of retention: train it again\."):
        propose(actor=owner, family=family, versions=[trained[0].version], reason="It was good.")
    page = signed_in(owner).get("/m/eta-trip/atlanta/v1/").content.decode()
    assert "It can not be proposed. The files of v1 were removed" in page
    assert "Promote" not in page


def test_workers_are_rung_for_what_is_due_and_cut_it_once_a_day(
    family: ModelFamily, approver: User, trained: list[Trained], later: None, rings: list[tuple[object, ...]]
) -> None:
    with TestCase.captureOnCommitCallbacks(execute=True):
        tasks.coordinate()
    assert rings == []
    rule = make_rule(approver, family)
    for expected in ([("retention.cut", rule.pk)], []):
        rings.clear()
        with TestCase.captureOnCommitCallbacks(execute=True):
            tasks.coordinate()
        assert rings == expected
        tasks.cut(rule.pk)
    assert Cut.objects.get().versions == 2
    assert AuditEvent.objects.get(action="retention.cut").door == "task"
    with time_machine.travel(timezone.now() + timedelta(days=1)):
        assert due_rules().get() == rule, "what has become old enough meanwhile goes on the next day"


def test_a_worker_that_finds_a_rule_at_rest_leaves_it(
    family: ModelFamily, approver: User, trained: list[Trained], later: None
) -> None:
    rule = make_rule(approver, family)
    Membership.objects.filter(user=approver).delete()
    tasks.cut(rule.pk)
    assert not Cut.objects.exists()
