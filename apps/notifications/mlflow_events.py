"""The registry's audit in MLflow's words: which webhook event a thing that happened is, and with which data.

The data were frozen in the audit event when it happened; nothing is looked up later. A thing that MLflow has no
event for is told to nobody here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from apps.audit.models import AuditEvent

Data = dict[str, Any]
IS_PROMPT, PROMPT_TYPE, PROMPT_TEXT = "mlflow.prompt.is_prompt", "_mlflow_prompt_type", "mlflow.prompt.text"
DIGEST = "version.digest"
"""Beside an alias: sha256 of the files of the version that it points to now."""

_TAG = {"key": "example_key", "value": "example_value"}
_TAGS = {"tags": {"example_key": "example_value"}}
_MODEL = {"name": "example_model"}
_VERSION = {"name": "example_model", "version": "1"}
_PROMPT = {"name": "example_prompt"}
_PROMPT_VERSION = {"name": "example_prompt", "version": "1"}
EXAMPLES: dict[str, Data] = {
    "registered_model.created": {**_MODEL, **_TAGS, "description": "An example registered model"},
    "model_version.created": {
        **_VERSION,
        "source": "models:/123",
        "run_id": "abcd1234abcd5678",
        **_TAGS,
        "description": "An example model version",
    },
    "model_version_tag.set": {**_VERSION, **_TAG},
    "model_version_tag.deleted": {**_VERSION, "key": "example_key"},
    "model_version_alias.created": {**_MODEL, "alias": "example_alias", "version": "1"},
    "model_version_alias.deleted": {**_MODEL, "alias": "example_alias"},
    "prompt.created": {**_PROMPT, **_TAGS, "description": "An example prompt"},
    "prompt_version.created": {
        **_PROMPT_VERSION,
        "template": "Hello {{name}}!",
        **_TAGS,
        "description": "An example prompt version",
    },
    "prompt_tag.set": {**_PROMPT, **_TAG},
    "prompt_tag.deleted": {**_PROMPT, "key": "example_key"},
    "prompt_version_tag.set": {**_PROMPT_VERSION, **_TAG},
    "prompt_version_tag.deleted": {**_PROMPT_VERSION, "key": "example_key"},
    "prompt_alias.created": {**_PROMPT, "alias": "example_alias", "version": "1"},
    "prompt_alias.deleted": {**_PROMPT, "alias": "example_alias"},
    "budget_policy.exceeded": {
        "budget_policy_id": "bp-abc123",
        "budget_unit": "USD",
        "budget_amount": 100.0,
        "current_spend": 105.5,
        "duration_unit": "MONTHS",
        "duration_value": 1,
        "target_scope": "ENDPOINT",
        "workspace": "default",
        "target_value": "ep-abc123",
        "window_start": 1704067200000,
    },
}
"""Every event of MLflow with what a test of it sends. The portal has no budgets: that one is taken and never comes."""

NAMES = tuple(EXAMPLES)
CHOICES = tuple((name, name) for name in EXAMPLES)


@dataclass(frozen=True)
class Announcement:
    """What a webhook hears: the event's name, such as "model_version.created", its data as MLflow has them, and what
    the portal knows beyond, which stands beside the data and not among them.
    """

    name: str
    data: Data
    beyond: Data = field(default_factory=dict)

    def body(self, at: datetime) -> Data:
        """The JSON object that is sent."""
        entity, action = self.name.split(".")
        said = {"entity": entity, "action": action, "timestamp": at.isoformat(), "data": self.data}
        return said | ({"portal": self.beyond} if self.beyond else {})


def announcement_of(event: AuditEvent) -> Announcement | None:
    """What webhooks hear of it; None when MLflow has no event for it."""
    told = _TOLD.get(event.action)
    return told(event) if told else None


def said_by(event: AuditEvent) -> str:
    """MLflow's name of it, such as "model_version.created"; the audit's word where MLflow has none."""
    announced = announcement_of(event)
    return announced.name if announced else event.action


def _model_created(event: AuditEvent) -> Announcement:
    if _is_prompt(event.after.get("tags", {})):
        return Announcement("prompt.created", _picked(event, "name") | _described(event))
    return Announcement("registered_model.created", _picked(event, "name", "tags", "description"))


def _version_created(event: AuditEvent) -> Announcement:
    tags = event.after.get("tags", {})
    if _is_prompt(tags):
        template = tags.get(PROMPT_TEXT, "")
        data = _picked(event, "name", "version") | {"template": template} | _described(event)
        return Announcement("prompt_version.created", data)
    data = _picked(event, "name", "version", "source", "run_id", "tags") | {"description": _text(event)}
    return Announcement("model_version.created", data | {"run_id": data.get("run_id") or None})


def _of_version(name: str, *fields: str) -> Callable[[AuditEvent], Announcement]:
    """An event of a version whose data are its name, its number and these fields; a prompt's has a name of its own."""

    def told(event: AuditEvent) -> Announcement:
        own = name.replace("model_version", "prompt_version") if event.after.get(IS_PROMPT) else name
        return Announcement(own, _picked(event, "name", "version", *fields))

    return told


def _of_prompt(name: str, *fields: str) -> Callable[[AuditEvent], Announcement | None]:
    """MLflow tells of the tags of prompts, and not of those of models."""

    def told(event: AuditEvent) -> Announcement | None:
        return Announcement(name, _picked(event, "name", *fields)) if event.after.get(IS_PROMPT) else None

    return told


def _alias_set(event: AuditEvent) -> Announcement:
    """However it moved, by promotion, rollback or freely, `after` says where to: `{"champion": "v3"}`."""
    alias = _alias_in(event.after)
    return _of_alias(event, "created", alias, version=_number(event.after[alias]))


def _alias_removed(event: AuditEvent) -> Announcement:
    return _of_alias(event, "deleted", _alias_in(event.before))


def _of_alias(event: AuditEvent, what: str, alias: str, **more: str | None) -> Announcement:
    entity = "prompt_alias" if event.after.get(IS_PROMPT) else "model_version_alias"
    data = {"name": event.target_name.rpartition(" v")[0], "alias": alias, **more}
    return Announcement(f"{entity}.{what}", data, _move(event, alias))


def _move(event: AuditEvent, alias: str) -> Data:
    """From where to where, which files, and who did it why."""
    return {
        "from_version": _number(event.before.get(alias)),
        "to_version": _number(event.after.get(alias)),
        "digest": event.after.get(DIGEST) or None,
        "actor": event.actor_username,
        "reason": event.note,
        "by": event.action.removeprefix("registry."),
        "family": event.family,
    }


def _alias_in(words: Mapping[str, object]) -> str:
    """No alias has a dot, and all that stands beside it has one."""
    return next(name for name in words if "." not in name)


def _number(label: str | None) -> str | None:
    return label.removeprefix("v") if label else None


_TOLD: Mapping[str, Callable[[AuditEvent], Announcement | None]] = {
    "registry.model_created": _model_created,
    "registry.model_tagged": _of_prompt("prompt_tag.set", "key", "value"),
    "registry.model_untagged": _of_prompt("prompt_tag.deleted", "key"),
    "registry.version_registered": _version_created,
    "registry.version_tagged": _of_version("model_version_tag.set", "key", "value"),
    "registry.version_untagged": _of_version("model_version_tag.deleted", "key"),
    "registry.promoted": _alias_set,
    "registry.rolled_back": _alias_set,
    "registry.alias_set": _alias_set,
    "registry.alias_imported": _alias_set,
    "registry.alias_removed": _alias_removed,
}
"""Audit word → what webhooks hear."""
TOLD_WORDS = frozenset(_TOLD)


def _picked(event: AuditEvent, *fields: str) -> Data:
    return {field: event.after.get(field) for field in fields}


def _described(event: AuditEvent) -> Data:
    """Tags without those by which MLflow itself knows a prompt, and the description."""
    own = {IS_PROMPT, PROMPT_TYPE, PROMPT_TEXT}
    tags = {key: value for key, value in event.after.get("tags", {}).items() if key not in own}
    return {"tags": tags, "description": _text(event)}


def _text(event: AuditEvent) -> str | None:
    return event.after.get("description") or None


def _is_prompt(tags: Mapping[str, str]) -> bool:
    return tags.get(IS_PROMPT, "").lower() == "true"
