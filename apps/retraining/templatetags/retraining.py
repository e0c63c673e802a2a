"""`{% load retraining %}`: values of parameters and plans as people read them, and seconds between two moments."""

import json
from datetime import datetime
from typing import Any

from django import template

from apps.retraining.differences import shortened

register = template.Library()
WORDS = {True: "yes", False: "no"}


@register.filter
def shown(value: Any) -> str:
    """A JSON value: yes and no for flags, lists with commas, and what is empty said in words."""
    if isinstance(value, bool):
        return WORDS[value]
    if value is None:
        return "nothing (null)"
    if value in ("", []):
        return "empty"
    if isinstance(value, list) and not any(isinstance(one, list | dict) for one in value):
        return ", ".join(shown(one) for one in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@register.filter
def as_json(value: Any) -> str:
    """A setting of a definition on one line, cut where it is long."""
    return value if isinstance(value, str) and value else shortened(value)


@register.filter
def since(moment: datetime, earlier: datetime) -> float:
    """Seconds from the earlier moment to this one."""
    return (moment - earlier).total_seconds()


@register.filter
def indented(value: Any) -> str:
    """Indented, as one reads and compares it."""
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)
