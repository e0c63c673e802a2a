"""What the pages offer: each address that takes a form, with one that is filled in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from apps.catalog.models import FeatureGap, Usage
from apps.registry.forms.cards import CardForm
from apps.registry.queries import card_of
from apps.retraining.pipeline_files import written
from apps.retraining.queries import definition_of, preview
from tests.doors.offers import Offer, noted, offer
from tests.doors.offers import api as said
from tests.doors.offers.api import WHY, a_draft, a_webhook, frozen_again, later, until
from tests.doors.scene import nothing_is_open, unverified

if TYPE_CHECKING:
    from tests.doors.scene import Scene

NO_VERBS = {
    "accounts/sign-in/": "who signs in is nobody yet",
    "accounts/sign-in/break-glass/<str:link>/": "the link was made by who has the server",
    "accounts/profile/password/": "one's own, and nobody else's; tests/accounts/test_passwords.py",
    "accounts/sign-out/": "ends one's own session",
    "theme/": "a colour in one's own cookie",
}
"""Addresses that take a form and are nobody's right, or change nothing."""
UNTIL_PAGE = 16  # a moment as a browser's field sends it has so many characters


def offers(it: Scene) -> list[Offer]:
    parts = (_accounts, _catalog, _decisions, _families, _waves, _requests, _policies, _others)
    return [one for part in parts for one in part(it)]


def page(may: str, route: str, form: dict[str, Any] | None = None, **chosen: Any) -> Offer:
    return offer(may, f"POST {route}", form, **chosen)


def _accounts(it: Scene) -> list[Offer]:
    token = {"name": "other", "scopes": ["read"], "days": 3}
    revoke = "accounts/profile/tokens/<str:token_key>/revoke/"
    team, keep, service = {"slug": "rides-eta"}, "accounts.keep_service", "accounts/services/<slug:slug>/"
    other = token | {"do": "token", "account": "nightly"}
    end = team | {"token_key": it.service_token.token_key}
    return [
        page(keep, service, {"do": "account", "username": "ci-other"}, places=team),
        page(keep, service, other, places=team),
        page(keep, f"{service}tokens/<str:token_key>/revoke/", places=end),
        page("accounts.create_token", "accounts/profile/", token),
        page("accounts.revoke_token", revoke, places={"token_key": it.token.token_key}, only=frozenset({"author"})),
    ]


def _catalog(it: Scene) -> list[Offer]:
    tool, move, gap = {"slug": it.placed.slug}, {"pk": it.it.move.pk}, FeatureGap.objects.get().pk
    wish = {"capability": "orchestration", "name": "x", "need": "x", "why_not_existing": "x", "people": 1, "send": "1"}
    about = {"title": "Other", "pain": 3, "upstream": "unknown"}
    return [
        page("catalog.edit", "catalog/import/", {"content": said.FACTS, "import": "1"}),
        page(
            "catalog.edit",
            "tools/<slug:slug>/confirm/",
            {"names": ["licence"]},
            places=tool,
            first=lambda: unverified(it.placed),
        ),
        page("catalog.edit", "tools/<slug:slug>/position/", {"support": "#other", "revision": 1}, places=tool),
        page("catalog.edit", "tools/<slug:slug>/position/", {"experts": "owner", "revision": 1}, places=tool),
        page("catalog.review", "tools/<slug:slug>/review/", {"next_review": later()}, places=tool),
        page(
            "catalog.propose_move",
            "tools/<slug:slug>/move/",
            {"ring": "assess"} | WHY,
            places={"slug": it.unplaced.slug},
        ),
        page("catalog.decide_move", "radar/moves/<int:pk>/approve/", places=move),
        page("catalog.decide_move", "radar/moves/<int:pk>/refuse/", WHY, places=move),
        page("catalog.withdraw_move", "radar/moves/<int:pk>/withdraw/", places=move),
        page("catalog.publish", "radar/publish/", {"name": "2026-09"}),
        page("catalog.record_gap", "tools/<slug:slug>/gap/", about, places=tool),
        page("catalog.edit_gap", "catalog/gaps/<int:pk>/", about, places={"pk": gap}),
        page("catalog.request_tool", "catalog/requests/new/", wish | {"team": "rides-eta"}),
        page("catalog.answer_request", "catalog/requests/<int:pk>/answer/", {"outcome": "gap", "gap": gap}),
        page("catalog.withdraw_request", "catalog/requests/<int:pk>/withdraw/"),
        page("catalog.declare_usage", "tools/<slug:slug>/use/", {"who": "team:rides-eta"}, places=tool),
        page("catalog.declare_usage", "catalog/uses/<int:pk>/end/", places={"pk": Usage.objects.get().pk}),
    ]


def _decisions(it: Scene) -> list[Offer]:
    at, accepted = "decisions/<slug:number>", {"number": it.decided.label}
    new = {"capability": "orchestration", "sourcing": "build", "title": "Ours", "kind": "decision", "criteria": ""}
    exception = new | {"kind": "exception", "team": "rides-eta", "tool": "luigi", "expires_on": later()}
    wait = WHY | {"until": later()}
    return [
        page("catalog.write_decision", "decisions/new/", new),
        page("catalog.ask_exception", "decisions/new/", exception),
        page("catalog.edit_decision catalog.write_decision", f"{at}/edit/", new, first=lambda: a_draft(it)),
        page("catalog.edit_decision", f"{at}/propose/", first=lambda: a_draft(it)),
        page("catalog.withdraw_decision", f"{at}/withdraw/"),
        page("catalog.decide", f"{at}/accept/"),
        page("catalog.conclude", f"{at}/send-back/", WHY),
        page("catalog.conclude", f"{at}/close/", WHY),
        page("catalog.conclude", f"{at}/supersede/", {"by": it.newer.label}, places=accepted),
        page("catalog.look_again", f"{at}/postpone/", wait, places=accepted, first=lambda: said.it_waits(it)),
        page("catalog.ask_exception", f"{at}/renew/", wait, places=accepted, first=lambda: said.it_is_an_exception(it)),
        page("catalog.look_back", f"{at}/look-back/", {"verdict": "right"}, places=accepted),
    ]


def _families(it: Scene) -> list[Offer]:
    edit, register, at = "registry.edit_family", "registry.register", "models/<slug:slug>"
    new = {"slug": "new", "team": "rides-eta", "dimension": "city"} | settings()
    frozen = {"until": until()[:UNTIL_PAGE]} | WHY
    gates = {"kind": ["no_leakage"], "do": "save"}
    lift = "freezes/<int:freeze_id>/lift/"
    return [
        page("registry.create_family", "models/new/", new),
        page(edit, f"{at}/settings/", settings() | {"labelled_until": "2013-08-01"}),
        page(edit, f"{at}/gates/", gates),
        page("registry.hand_over", f"{at}/owner/", {"team": "delivery"} | WHY, first=lambda: nothing_is_open(it)),
        page("retention.set_rule", f"{at}/retention/", {"plan": "0" * 64}),
        page(register, f"{at}/unused/", {"version": [it.idle.pk]}, query="days=30"),
        page(register, f"{at}/card/edit/", {"owner": "x"}),
        page(register, "models/versions/<int:version_id>/card/", card(it), places={"version_id": it.spare.pk}),
        page("registry.evaluate", f"{at}/evaluate/"),
        page("registry.evaluate", f"{at}/worth-it/compare/", first=lambda: said.it_has_a_shared_model(it)),
        page("registry.freeze", f"{at}/freeze/", frozen),
        page("registry.freeze_all", "freezes/", frozen),
        page("registry.freeze", lift, first=lambda: frozen_again(it.it.family)),
        page("registry.freeze_all", lift, first=lambda: frozen_again(None)),
    ]


def card(it: Scene) -> dict[str, str]:
    """A version's card with something in each of its fields."""
    asked = CardForm(card=card_of(actor=it.it.family.created_by, version=it.spare))
    return {name: "x" for name in asked.fields if name != "seen"}


def settings() -> dict[str, Any]:
    """A family's form with other words in it."""
    numbers = {"tier": 2, "label_delay_days": 1, "freshness_days": 30, "resolve_cache_seconds": 60}
    words = {"name": "Other", "metric": "mae", "unit": "min", "direction": "lower", "visibility": "everyone"}
    return numbers | words | {"protected_aliases": "champion"}


def _waves(it: Scene) -> list[Offer]:
    at, running = "promotions/<int:wave_id>", {"wave_id": it.running.pk}
    digest, live = {"digest": it.it.wave.digest}, {"value": "6", "through": "2013-07-31"}
    new = f"family=eta-trip&version={it.next.pk}"
    back = f"family=eta-trip&to={it.before.pk}"
    return [
        page("registry.propose", "promotions/new/", WHY, query=new),
        page("registry.approve", f"{at}/approve/", digest),
        page("registry.approve", f"{at}/reject/", digest | WHY),
        page("registry.withdraw", f"{at}/withdraw/"),
        page("registry.advance", f"{at}/advance/", {"stage": 2}, places=running),
        page("registry.advance", f"{at}/live/", live, places=running),
        page("registry.roll_back", f"{at}/undo/", WHY, places=running),
        page("registry.roll_back", "promotions/roll-back/", WHY, query="family=eta-trip&segment=boston"),
        page("registry.roll_back", "promotions/roll-back/", WHY, query=back),
        page("registry.review_rollback", "promotions/rollbacks/<int:rollback_id>/"),
    ]


def _requests(it: Scene) -> list[Offer]:
    at, asked = "retraining/<int:request_id>", {"request_id": it.asked.pk}
    yes: dict[str, Any] = {"digest": it.asked.digest}
    failed: dict[str, Any] = {"first": lambda: said.it_failed(it)}
    text = {"text": written("toy", definition_of(it.it.pipeline)).replace("Toy", "Tin"), "version": 1}
    recent = {"reason": "It broke."}
    return [
        page("retraining.submit retraining.use", "retraining/new/<slug:slug>/", sending(it), query="family=eta-trip"),
        page("retraining.approve", f"{at}/approve/", yes, places=asked),
        page("retraining.approve", f"{at}/reject/", yes | WHY, places=asked),
        page("retraining.withdraw", f"{at}/withdraw/", places=asked),
        page("retraining.cancel", f"{at}/cancel/"),
        page("retraining.cancel", f"{at}/cancel-segments/", {"segment": ["atlanta"]}),
        page("retraining.hold", f"{at}/hold/", WHY),
        page("retraining.hold", f"{at}/resume/", first=lambda: said.it_is_held(it)),
        page("retraining.retry", f"{at}/retry-failed/", **failed),
        page("retraining.retry", "retraining/runs/<int:run_id>/retry/", **failed),
        page("retraining.retry", "retraining/retry-recent/", recent, **failed),
        page("retraining.define_pipeline", "retraining/pipelines/new/", text),
        page("retraining.define_pipeline", "retraining/pipelines/<slug:slug>/edit/", text),
        page("retraining.operate", "retraining/workers/<str:name>/drain/"),
        page("retraining.operate", "retraining/workers/<str:name>/undrain/", first=said.it_drains),
        page("retraining.operate", "retraining/quotas/", {"team": "rides-eta", "max_concurrent": 3}),
    ]


def sending(it: Scene) -> dict[str, Any]:
    """The form of a pipeline as its sender has looked at it."""
    values = {"mode": "succeed", "alpha": 1.0, "as_of": "2013-07-01", "window_months": 3}
    seen = preview(pipeline=it.it.pipeline, family=it.it.family, parameters=values, segments=["boston"])
    marks = {"key": uuid4().hex, "digest": seen.digest, "version": it.it.pipeline.version}
    return marks | {"scope": "chosen", "segments": ["boston"]} | {f"parameters-{key}": values[key] for key in values}


def _policies(it: Scene) -> list[Offer]:
    at = "retraining/policies/<int:policy_id>"
    terms = {"name": "Again", "trigger": "signal", "time_zone": "UTC", "in_a_row": 1, "worse_by": 5}
    terms |= {"yardstick": "promoted", "cool_down_hours": 1, "daily_cap": 10}
    values = {"parameters-mode": "succeed", "parameters-alpha": 1, "parameters-as_of": "2013-07-01"}
    terms |= values | {"parameters-window_months": 3, "family": "eta-trip"}
    return [
        page("retraining.set_policy", "retraining/policies/new/<slug:slug>/", terms),
        page("retraining.set_policy", f"{at}/edit/", terms),
        page("retraining.set_policy", f"{at}/pause/", WHY),
        page("retraining.set_policy", f"{at}/resume/", first=said.it_is_paused),
        page(
            "retraining.submit retraining.use",
            "retraining/suggestions/<int:firing_id>/take/",
            first=said.it_suggests,
        ),
        page("retraining.submit", "retraining/suggestions/<int:firing_id>/dismiss/"),
        page("retraining.close_incident", "retraining/incidents/<int:incident_id>/close/", {"note": "x"}),
        page("retraining.close_incident", "retraining/signals/<int:signal_id>/set-aside/", WHY),
    ]


def _others(it: Scene) -> list[Offer]:
    platforms, channel = "platforms.administer", {"address": "https://127.0.0.1:1/other"}
    other = {"name": "other", "kind": "mlflow", "address": "http://127.0.0.1:1"}
    link, at = {"name": "Logs", "template": "https://logs.example.org/{segment}"}, "connections/<str:name>"
    hook, edit = "webhooks/<uuid:webhook_id>", "notifications.edit_webhook"
    edited = a_webhook() | {"name": "told", "status": "ACTIVE"}
    return [
        page("notifications.choose_mail", "notices/", {"wanted": ["answers"]}),
        page("notifications.set_channel", "notices/channels/<slug:slug>/", channel),
        page("notifications.set_channel", "notices/channels/<slug:slug>/remove/"),
        page(
            "notifications.set_channel",
            "notices/channels/<slug:slug>/test/",
            seen=noted("notifications.channel_tested"),
        ),
        page("notifications.create_webhook", "webhooks/new/", a_webhook()),
        page(edit, f"{hook}/edit/", edited),
        page(edit, f"{hook}/delete/"),
        page(edit, f"{hook}/test/", {"event": a_webhook()["events"][0]}, seen=noted("notifications.webhook_tested")),
        page(edit, "webhooks/deliveries/<uuid:delivery_id>/send-again/"),
        page(platforms, "connections/new/", other),
        page(platforms, f"{at}/edit/", {"name": "tracking", "address": "http://127.0.0.1:2"}),
        page(platforms, f"{at}/test/"),
        page(platforms, f"{at}/remove/"),
        page(platforms, "links/new/", link),
        page(platforms, "links/<int:pk>/", link),
        page(platforms, "links/<int:pk>/remove/"),
    ]


def usual(it: Scene, path: str) -> dict[str, object]:
    """What stands in the places of an address unless its offer says otherwise."""
    found: dict[str, object] = {}
    for beginning, known in places(it).items():
        found |= known if path.startswith(beginning) else {}
    return found


def places(it: Scene) -> dict[str, dict[str, object]]:
    """By how the address begins; what is said later counts."""
    own = it.it
    return {
        "": {"slug": "eta-trip", "number": own.decision.label, "wave_id": own.wave.pk, "freeze_id": own.freeze.pk},
        "promotions/rollbacks": {"rollback_id": own.rollback.pk},
        "catalog/requests": {"pk": own.tool.capability.requests.get().pk},
        "retraining/": {"request_id": own.request.pk, "run_id": own.run.pk, "slug": "toy", "name": "work@a"},
        "retraining/policies": {"policy_id": own.policy.pk, "slug": "toy"},
        "retraining/suggestions": {"firing_id": own.firing.pk},
        "retraining/incidents": {"incident_id": own.incident.pk},
        "retraining/signals": {"signal_id": own.signal.pk},
        "notices/": {"slug": "rides-eta"},
        "webhooks/": {"webhook_id": it.webhook.uuid, "delivery_id": it.delivery.uuid},
        "connections/": {"name": "tracking"},
        "links/": {"pk": own.link.pk},
    }
