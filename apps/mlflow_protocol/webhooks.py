"""Webhooks in MLflow's words. Who may make one, what it hears and how it is sent is in notifications."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from apps.accounts.queries import default_team
from apps.core.errors import Invalid
from apps.core.permissions import allowed
from apps.mlflow_protocol import grammar
from apps.mlflow_protocol.endpoints import Body, Call, Endpoint
from apps.mlflow_protocol.fields import Field, choice, integer, part, rows, text
from apps.mlflow_protocol.words import to_ms, without_empty
from apps.notifications import actions, queries
from apps.notifications.mlflow_events import NAMES

if TYPE_CHECKING:
    from apps.accounts.models import Team, User
    from apps.notifications.models import Webhook

MOST = 1_000


ENTITIES = {
    1: "REGISTERED_MODEL",
    2: "MODEL_VERSION",
    3: "MODEL_VERSION_TAG",
    4: "MODEL_VERSION_ALIAS",
    5: "PROMPT",
    6: "PROMPT_VERSION",
    7: "PROMPT_TAG",
    8: "PROMPT_VERSION_TAG",
    9: "PROMPT_ALIAS",
    10: "BUDGET_POLICY",
}
ACTIONS = {1: "CREATED", 2: "UPDATED", 3: "DELETED", 4: "SET", 5: "EXCEEDED"}
EVENT = (choice("entity", ENTITIES, required=True), choice("action", ACTIONS, required=True))
STATUS = choice("status", {1: "ACTIVE", 2: "DISABLED"})
ID = text("webhook_id", required=True)


def create(call: Call) -> Body:
    webhook = actions.create_webhook(
        actor=call.actor,
        name=call["name"],
        url=call["url"],
        events=_events(call["events"]),
        description=call["description"],
        secret=call["secret"],
        status=call["status"] or "ACTIVE",
        team=_team(call.actor),
    )
    return {"webhook": _shown(webhook)}


def listed(call: Call) -> Body:
    most = call["max_results"] if call["max_results"] is not None else 100
    if not 1 <= most <= MOST:
        raise Invalid(f"max_results must be between 1 and {MOST}.", field="max_results")
    offset = grammar.parse_token(call["page_token"])
    found = list(queries.webhooks(call.actor)[offset : offset + most + 1])
    token = grammar.page_token(offset + most) if len(found) > most else ""
    return without_empty({"webhooks": [_shown(webhook) for webhook in found[:most]], "next_page_token": token})


def get(call: Call) -> Body:
    return {"webhook": _shown(_webhook(call))}


def update(call: Call) -> Body:
    """What is not sent stays; an empty name, URL or list of events counts as not sent, as MLflow has it."""
    changed = actions.update_webhook(
        actor=call.actor,
        webhook=_webhook(call),
        name=call["name"] or None,
        url=call["url"] or None,
        events=_events(call["events"]) if call["events"] else None,
        description=call["description"],
        secret=call["secret"],
        status=call["status"],
    )
    return {"webhook": _shown(changed)}


def delete(call: Call) -> Body:
    actions.delete_webhook(actor=call.actor, webhook=_webhook(call))
    return {}


def test(call: Call) -> Body:
    """Sends an example and waits; what the receiver said is for platform admins only."""
    (event,) = _events([call["event"]]) if call["event"] else ("",)
    outcome = actions.send_example(actor=call.actor, webhook=_webhook(call), event=event)
    result = {
        "response_status": outcome.status,
        "response_body": outcome.body,
        "error_message": "" if outcome.status else f"Failed to test webhook: {outcome.problem}",
    }
    return {"result": {"success": outcome.taken, **without_empty(result)}}


def _webhook(call: Call) -> Webhook:
    return queries.webhook(actor=call.actor, webhook_id=call["webhook_id"])


def _team(actor: User) -> Team | None:
    """A platform admin's webhooks hear of everything unrestricted, another person's of their default team's things."""
    return None if allowed(actor, "notifications.create_webhook") else default_team(actor)


def _events(sent: Sequence[Mapping[str, str]]) -> list[str]:
    """MLflow's names of the pairs. Raises Invalid for a pair that there is not."""
    return [_event(pair["entity"].lower(), pair["action"].lower()) for pair in sent]


def _event(entity: str, action: str) -> str:
    if f"{entity}.{action}" not in NAMES:
        valid = sorted(name.partition(".")[2] for name in NAMES if name.startswith(f"{entity}."))
        raise Invalid(f"Invalid action '{action}' for entity '{entity}'. Valid actions are: {valid}", field="events")
    return f"{entity}.{action}"


def _shown(webhook: Webhook) -> Body:
    events = [name.upper().split(".") for name in webhook.events]
    return without_empty(
        {
            "webhook_id": str(webhook.uuid),
            "name": webhook.name,
            "description": webhook.description,
            "url": webhook.url,
            "events": [{"entity": entity, "action": action} for entity, action in events],
            "status": webhook.status,
            "creation_timestamp": to_ms(webhook.created_at),
            "last_updated_timestamp": to_ms(webhook.updated_at),
        }
    )


def _described(*, required: bool) -> tuple[Field, ...]:
    default = "" if required else None
    return (
        text("name", required=required, default=default),
        text("url", required=required, default=default),
        rows("events", *EVENT, required=required),
        text("description", default=default),
        text("secret", default=default),
        STATUS,
    )


ENDPOINTS = (
    Endpoint("POST", "mlflow/webhooks", create, _described(required=True)),
    Endpoint("GET", "mlflow/webhooks", listed, (integer("max_results"), text("page_token")), reads=True),
    Endpoint("GET", "mlflow/webhooks/{webhook_id}", get, (ID,), reads=True),
    Endpoint("PATCH", "mlflow/webhooks/{webhook_id}", update, (ID, *_described(required=False))),
    Endpoint("DELETE", "mlflow/webhooks/{webhook_id}", delete, (ID,)),
    Endpoint("POST", "mlflow/webhooks/{webhook_id}/test", test, (ID, part("event", *EVENT))),
)
