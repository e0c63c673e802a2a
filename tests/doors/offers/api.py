"""What the API offers: each address and method that changes something, with a body that does."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db.models.functions import Now
from django.utils import timezone

from apps.accounts.models import PortalRole, User
from apps.catalog.models import Decision, FeatureGap, ToolRequest, Usage
from apps.lineage.models import ToldRun
from apps.platforms.models import Connection
from apps.registry.models import Freeze, ModelFamily
from apps.retraining.models import Attempt, Firing, Policy, RetrainingRequest, SegmentRun, TeamQuota, Worker
from tests.doors.offers import Offer, noted, offer
from tests.doors.scene import nothing_is_open, rewritten, unverified

if TYPE_CHECKING:
    from tests.doors.scene import Scene

NO_VERBS = {
    "POST ci-token/": "its issuer vouches for the run, not a person: tests/outside/test_ci.py",
    "POST families/{slug}/gates/preview/": "reads",
    "POST pipelines/{slug}/preview/": "reads",
    "POST policies/{id}/rehearse/": "reads",
    "POST promotions/dry-run/": "reads",
    "POST tool-requests/what-if/": "reads",
}
"""Addresses that are sent to and change nothing, or are nobody's right."""
DAY = "2099-01-01"
WHY = {"reason": "x"}
FACTS = "slug,name,capability,sourcing,licence,licence_basis\nray,Ray,orchestration,open-source,MIT,general knowledge"
"""A file for the catalog, with a tool that it does not know yet."""


def offers(it: Scene) -> list[Offer]:
    return [*_accounts(it), *_catalog(it), *_decisions(it), *_registry(it), *_waves(it), *_retraining(it), *_others(it)]


def until() -> str:
    return (timezone.now() + timedelta(days=1)).isoformat()


def later() -> str:
    return (timezone.now() + timedelta(days=100)).date().isoformat()


def _accounts(it: Scene) -> list[Offer]:
    admin, keep = "accounts.administer", "accounts.keep_service"
    somebody = {"username": "owner"}
    board = {"role": "board"}
    holds = PortalRole.objects.get_or_create
    person = User.objects.get(username="owner")
    return [
        offer("accounts.create_token", "POST tokens/", {"name": "other"}),
        offer(
            "accounts.revoke_token",
            "DELETE tokens/{key}/",
            places={"key": it.token.token_key},
            only=frozenset({"author"}),
        ),
        offer(admin, "POST teams/", {"slug": "new", "name": "New"}),
        offer(admin, "POST teams/{slug}/members/", somebody | {"role": "lead"}),
        offer(admin, "POST teams/{slug}/remove-member/", somebody),
        offer(admin, "POST users/", {"username": "new", "name": "New"}),
        offer(admin, "POST users/{username}/give-role/", board),
        offer(admin, "POST users/{username}/take-role/", board, first=lambda: holds(user=person, role="board")),
        offer(admin, "POST users/{username}/switch-off/"),
        offer(
            admin,
            "POST users/{username}/switch-on/",
            places={"username": "away"},
            first=lambda: User.objects.create_user("away", is_active=False),
        ),
        offer(keep, "POST teams/{slug}/service-accounts/", {"username": "ci-other"}),
        offer(keep, "POST teams/{slug}/service-tokens/", {"account": "nightly", "name": "other"}),
        offer(keep, "POST teams/{slug}/revoke-service-token/", {"key": it.service_token.token_key}),
    ]


def _catalog(it: Scene) -> list[Offer]:
    wish, gap = ToolRequest.objects.get().pk, FeatureGap.objects.get().pk
    edit, tool = "catalog.edit", {"slug": it.placed.slug}
    facts = {"name": "Kubeflow", "summary": "Runs.", "capability": "orchestration", "sourcing": "open-source"}
    asked = {"capability": "orchestration", "name": "x", "need": "x", "people": 1, "team": "rides-eta"}
    use = {"kind": "team", "name": "rides-eta", "team": "rides-eta"}
    return [
        offer(edit, "POST capabilities/", {"slug": "x", "name": "X", "stage": "ship", "need": "X"}),
        offer(edit, "PATCH capabilities/{slug}/", {"name": "Other"}),
        offer(edit, "POST tools/", facts | {"slug": "kubeflow"}),
        offer(edit, "PATCH tools/{slug}/", {"summary": "Other."}),
        offer(
            edit,
            "POST tools/{slug}/confirm/",
            {"names": ["licence"]},
            places=tool,
            first=lambda: unverified(it.placed),
        ),
        offer(edit, "PATCH tools/{slug}/position/", {"support": "#other"}, places=tool),
        offer(edit, "POST catalog/import/", {"content": FACTS, "dry_run": False}),
        offer(edit, "PATCH tools/{slug}/position/", {"experts": ["owner"]}, places=tool),
        offer("catalog.review", "POST tools/{slug}/review/", {"next_review": later()}, places=tool),
        offer("catalog.propose_move", "POST tools/{slug}/moves/", {"ring": "assess"} | WHY, places={"slug": "prefect"}),
        offer("catalog.decide_move", "POST ring-moves/{id}/approve/"),
        offer("catalog.decide_move", "POST ring-moves/{id}/refuse/", WHY),
        offer("catalog.withdraw_move", "POST ring-moves/{id}/withdraw/"),
        offer("catalog.publish", "POST radar-editions/", {"name": "2026-09"}),
        offer("catalog.record_gap", "POST feature-gaps/", {"title": "x", "tool": "airflow"}),
        offer("catalog.edit_gap", "PATCH feature-gaps/{id}/", {"title": "Other"}),
        offer("catalog.request_tool", "POST tool-requests/", asked | {"why_not_existing": "x"}),
        offer("catalog.answer_request", "POST tool-requests/{id}/answer/", {"outcome": "gap", "gap": gap}),
        offer("catalog.withdraw_request", "POST tool-requests/{id}/withdraw/", places={"id": wish}),
        offer("catalog.declare_usage", "POST tool-uses/", use | {"tool": "luigi"}),
        offer("catalog.declare_usage", "POST tool-uses/{id}/end/", places={"id": Usage.objects.get().pk}),
    ]


def _decisions(it: Scene) -> list[Offer]:
    accepted = {"number": it.decided.label}
    new = {"capability": "orchestration", "sourcing": "build", "title": "Ours"}
    exception = new | {"kind": "exception", "team": "rides-eta", "tool": "luigi", "expires_on": later()}
    return [
        offer("catalog.write_decision", "POST decisions/", new),
        offer("catalog.ask_exception", "POST decisions/", exception),
        offer("catalog.edit_decision", "POST decisions/{number}/propose/", first=lambda: a_draft(it)),
        offer(
            "catalog.edit_decision catalog.write_decision",
            "PATCH decisions/{number}/",
            {"title": "Other"},
            first=lambda: a_draft(it),
        ),
        offer("catalog.withdraw_decision", "POST decisions/{number}/withdraw/"),
        offer("catalog.decide", "POST decisions/{number}/accept/"),
        offer("catalog.conclude", "POST decisions/{number}/send-back/", WHY),
        offer("catalog.conclude", "POST decisions/{number}/close/", WHY),
        offer("catalog.conclude", "POST decisions/{number}/supersede/", {"by": it.newer.label}, places=accepted),
        offer(
            "catalog.look_again",
            "POST decisions/{number}/postpone/",
            WHY | {"until": later()},
            places=accepted,
            first=lambda: it_waits(it),
        ),
        offer(
            "catalog.ask_exception",
            "POST decisions/{number}/renew/",
            WHY | {"until": later()},
            places=accepted,
            first=lambda: it_is_an_exception(it),
        ),
        offer("catalog.look_back", "POST decisions/{number}/look-back/", {"verdict": "right"}, places=accepted),
    ]


def a_draft(it: Scene) -> None:
    Decision.objects.filter(pk=it.it.decision.pk).update(status="draft")


def it_waits(it: Scene) -> None:
    rewritten(it.decided, sourcing="postpone", revisit_on=timezone.now().date())


def it_is_an_exception(it: Scene) -> None:
    ends = {"expires_on": timezone.now().date() + timedelta(days=30)}
    rewritten(it.decided, kind="exception", team=it.it.family.team, tool=it.placed, **ends)


def _registry(it: Scene) -> list[Offer]:
    edit, register = "registry.edit_family", "registry.register"
    other, boston = {"slug": "new", "name": "New", "team": "rides-eta"}, {"name": "eta-trip.boston"}
    canary, city = boston | {"alias": "canary"}, {"slug": "reno", "name": "Reno"}
    version = {"id": it.spare.pk, "version_id": it.spare.pk}
    frozen = {"until": until()} | WHY
    return [
        offer("registry.create_family", "POST families/", other | {"dimension": "city", "metric": "mae"}),
        offer(edit, "PATCH families/{slug}/", {"description": "Other."}),
        offer(edit, "PUT families/{slug}/gates/", {"gates": [{"kind": "no_leakage"}]}),
        offer(edit, "PUT families/{slug}/labelled-until/", {"day": "2013-08-01"}),
        offer("registry.add_segments", "POST families/{slug}/segments/", {"segments": [city]}),
        offer(
            "registry.hand_over",
            "PUT families/{slug}/team/",
            {"team": "delivery"} | WHY,
            first=lambda: nothing_is_open(it),
        ),
        offer("retention.set_rule", "PUT families/{slug}/retention/", {"plan": "0" * 64}),
        offer(register, "POST families/{slug}/baselines/", {"name": "median-of-3-months", "segments": ["boston"]}),
        offer(register, "PUT families/{slug}/card/", {"card": {"owner": "x"}}),
        offer(register, "POST families/{slug}/unused-versions/", {"versions": [it.idle.pk], "days": 30}),
        offer(register, "PATCH versions/{id}/", {"description": "Other."}, places=version),
        offer(register, "PUT versions/{version_id}/card/", {"card": {"owner": "x"}}, places=version),
        offer(
            "registry.report_serving",
            "POST versions/{version_id}/consumption/",
            {"place": "production"},
            places=version,
        ),
        offer("registry.evaluate", "POST evaluations/", {"family": "eta-trip", "versions": [it.spare.pk]}),
        offer("registry.evaluate", "POST families/{slug}/worth-it/", first=lambda: it_has_a_shared_model(it)),
        offer("registry.set_alias", "PUT models/{name}/aliases/{alias}/", {"version": it.next.number}, places=canary),
        offer("registry.set_alias", "DELETE models/{name}/aliases/{alias}/", places=boston | {"alias": "shadow"}),
        offer("registry.freeze", "POST freezes/", frozen | {"family": "eta-trip"}),
        offer("registry.freeze_all", "POST freezes/", frozen),
        offer("registry.freeze", "POST freezes/{id}/lift/", first=lambda: frozen_again(it.it.family)),
        offer("registry.freeze_all", "POST freezes/{id}/lift/", first=lambda: frozen_again(None)),
    ]


def frozen_again(family: Any) -> None:
    Freeze.objects.update(lifted_by=None, lifted_at=None, family=family)


def it_has_a_shared_model(it: Scene) -> None:
    ModelFamily.objects.filter(pk=it.it.family.pk).update(fallback_order=["dallas"])


def _waves(it: Scene) -> list[Offer]:
    go_back, running = "registry.roll_back", {"id": it.running.pk}
    digest, boston = {"digest": it.it.wave.digest}, {"name": "eta-trip.boston"}
    one = {"family": "eta-trip", "versions": [it.next.pk]} | WHY
    live = {"value": 6, "through": "2013-07-31"}
    return [
        offer("registry.propose", "POST promotions/", one),
        offer("registry.propose", "POST promotions/verdict/", one | {"key": "build-1"}),
        offer("registry.approve", "POST promotions/{id}/approve/", digest),
        offer("registry.approve", "POST promotions/{id}/reject/", digest | WHY),
        offer("registry.withdraw", "POST promotions/{id}/withdraw/"),
        offer("registry.advance", "POST promotions/{id}/advance/", {"stage": 2}, places=running),
        offer("registry.advance", "POST promotions/{id}/live-values/", live, places=running),
        offer(go_back, "POST promotions/{id}/undo/", WHY, places=running),
        offer(go_back, "POST promotions/rollback/", one | {"versions": [it.served.pk]}),
        offer(go_back, "POST promotions/restore/", one | {"versions": [it.before.pk]}),
        offer(go_back, "POST models/{name}/rollback/", WHY | {"version": it.served.number}, places=boston),
        offer(go_back, "POST models/{name}/restore/", WHY | {"version": it.before.number}, places=boston),
        offer("registry.review_rollback", "POST rollbacks/{id}/review/"),
    ]


def _retraining(it: Scene) -> list[Offer]:
    family, pipeline = {"family": "eta-trip"}, {"pipeline": "toy"}
    asked, operate = {"id": it.asked.pk}, "retraining.operate"
    yes = {"digest": it.asked.digest}
    terms = family | pipeline | {"name": "Again", "trigger": "signal"}
    report = {"kind": "schema", "verdict": "alarm"}
    take = "retraining.submit retraining.use"
    return [
        offer(take, "POST requests/", family | pipeline | {"segments": ["boston"]}),
        offer("retraining.approve", "POST requests/{id}/approve/", yes, places=asked),
        offer("retraining.approve", "POST requests/{id}/reject/", yes | WHY, places=asked),
        offer("retraining.withdraw", "POST requests/{id}/withdraw/", places=asked),
        offer("retraining.cancel", "POST requests/{id}/cancel/"),
        offer("retraining.cancel", "POST requests/{id}/cancel-segments/", {"segments": ["atlanta"]}),
        offer("retraining.hold", "POST requests/{id}/hold/", WHY),
        offer("retraining.hold", "POST requests/{id}/resume/", first=lambda: it_is_held(it)),
        offer("retraining.retry", "POST requests/{id}/retry-failed/", first=lambda: it_failed(it)),
        offer("retraining.retry", "POST segment-runs/{id}/retry/", first=lambda: it_failed(it)),
        offer("retraining.log_run", "POST run-tokens/", {"key": "run-7"}, first=lambda: it_runs_elsewhere(it)),
        offer(
            "retraining.define_pipeline",
            "PUT pipelines/{slug}/",
            {"name": "Toy", "team": "rides-eta", "script": "toy.py", "schema": {"type": "object", "properties": {}}},
        ),
        offer("retraining.set_policy", "POST policies/", terms),
        offer("retraining.set_policy", "PUT policies/{id}/", terms),
        offer("retraining.set_policy", "POST policies/{id}/pause/", WHY),
        offer("retraining.set_policy", "POST policies/{id}/resume/", first=it_is_paused),
        offer(take, "POST firings/{id}/take/", first=it_suggests),
        offer("retraining.submit", "POST firings/{id}/dismiss/"),
        offer("retraining.signal", "POST signals/", family | {"source": "api", "report": report | {"again": 1}}),
        offer("retraining.close_incident", "POST incidents/{id}/close/", {"note": "x"}),
        offer("retraining.close_incident", "POST signals/{id}/set-aside/", WHY),
        offer(operate, "POST workers/{name}/drain/"),
        offer(operate, "POST workers/{name}/undrain/", first=it_drains),
        offer(operate, "PUT team-quotas/{team}/", {"max_concurrent": 3}),
        offer(operate, "DELETE team-quotas/{team}/", first=lambda: it_is_limited(it)),
    ]


def it_is_held(it: Scene) -> None:
    RetrainingRequest.objects.filter(pk=it.it.request.pk).update(held_at=Now(), held_because="x")


def it_suggests() -> None:
    Firing.objects.update(segments=["boston"])


def it_failed(it: Scene) -> None:
    ended = {"status": "failed", "finished_at": Now()}
    SegmentRun.objects.filter(pk=it.it.run.pk).update(cause="error", reason="It broke.", lease_until=None, **ended)
    RetrainingRequest.objects.filter(pk=it.it.request.pk).update(**ended)


def it_is_limited(it: Scene) -> None:
    TeamQuota.objects.create(team=it.it.family.team, max_concurrent=2)


def it_drains() -> None:
    Worker.objects.update(draining_since=Now())


def it_is_paused() -> None:
    Policy.objects.update(paused_at=Now(), paused_because="x")


def it_runs_elsewhere(it: Scene) -> None:
    Attempt.objects.filter(segment_run=it.it.run).update(outside_id="run-7", connection=Connection.objects.get())


def _others(it: Scene) -> list[Offer]:
    platforms, hook = "platforms.administer", {"webhook_id": it.webhook.uuid}
    link = {"name": "Logs", "template": "https://logs.example.org/{segment}"}
    return [
        offer(
            "lineage.tell",
            "POST lineage",
            told_of(it),
            seen=ToldRun.objects.filter(run=it.it.tracked).exists,  # what others tell of it is kept as matched to none
        ),
        offer("notifications.choose_mail", "PUT notices/", {"unwanted": ["answers"]}),
        offer("notifications.set_channel", "PUT channels/{slug}/", {"address": "https://127.0.0.1:1/other"}),
        offer("notifications.set_channel", "DELETE channels/{slug}/"),
        offer("notifications.set_channel", "POST channels/{slug}/test/", seen=noted("notifications.channel_tested")),
        offer("notifications.create_webhook", "POST webhooks/", a_webhook()),
        offer("notifications.edit_webhook", "PATCH webhooks/{webhook_id}/", {"description": "x"}, places=hook),
        offer("notifications.edit_webhook", "DELETE webhooks/{webhook_id}/", places=hook),
        offer(
            "notifications.edit_webhook",
            "POST webhooks/{webhook_id}/test/",
            places=hook,
            seen=noted("notifications.webhook_tested"),
        ),
        offer(
            "notifications.edit_webhook",
            "POST deliveries/{delivery_id}/send-again/",
            places={"delivery_id": it.delivery.uuid},
        ),
        offer(platforms, "POST connections/", {"name": "other", "kind": "mlflow", "address": "http://127.0.0.1:1"}),
        offer(platforms, "PATCH connections/{name}/", {"address": "http://127.0.0.1:2"}),
        offer(platforms, "DELETE connections/{name}/"),
        offer(platforms, "POST connections/{name}/test/"),
        offer(platforms, "POST links/", link),
        offer(platforms, "PATCH links/{id}/", link),
        offer(platforms, "DELETE links/{id}/"),
    ]


def a_webhook() -> dict[str, Any]:
    return {
        "name": "other",
        "url": "https://127.0.0.1:1/hook",
        "team": "rides-eta",
        "events": ["model_version.created"],
    }


def told_of(it: Scene) -> dict[str, Any]:
    """A run of Airflow's that says whose run of ours it is."""
    return {
        "eventType": "COMPLETE",
        "eventTime": timezone.now().isoformat(),
        "run": {"runId": it.it.tracked.pk},
        "job": {"namespace": "x", "name": "y"},
        "inputs": [],
        "outputs": [],
        "producer": "https://example.org",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
    }
