"""What is known only for a while, kept in the broker: signs of life of what runs without anybody looking, and counts.

Where they are lost, the next comes soon.
"""

from __future__ import annotations

import time
from functools import cache

import redis
from django.conf import settings

PATIENCE_SECONDS = 1.0
"""Whoever asks is a probe that wants an answer, even if it is a bad one."""
NOTED_SECONDS = 600


class BrokerAway(Exception):
    """It does not answer."""


def beat(name: str) -> None:
    """Notes that `name` lives. Raises BrokerAway."""
    try:
        _broker().set(_key(name), repr(time.time()))
    except redis.RedisError as error:
        raise BrokerAway from error


def silent_for(name: str) -> float | None:
    """Seconds since the last sign of life; None where there never was one. Raises BrokerAway."""
    try:
        noted = _broker().get(_key(name))
    except redis.RedisError as error:
        raise BrokerAway from error
    return max(0.0, time.time() - float(noted)) if noted else None  # type: ignore[arg-type]


def note(name: str, words: str) -> None:
    """What was found last about `name`, forgotten after ten minutes. Raises BrokerAway."""
    try:
        _broker().set(_key(name), words, ex=NOTED_SECONDS)
    except redis.RedisError as error:
        raise BrokerAway from error


def noted(name: str) -> str | None:
    """None where nothing was found lately. Raises BrokerAway."""
    try:
        found = _broker().get(_key(name))
    except redis.RedisError as error:
        raise BrokerAway from error
    return None if found is None else found.decode()  # type: ignore[union-attr]


def count_up(name: str, *, seconds: int) -> int:
    """How often `name` has been counted, now included; forgotten after so many seconds. Raises BrokerAway."""
    try:
        with _broker().pipeline(transaction=False) as steps:
            steps.incr(_key(name))
            steps.expire(_key(name), seconds)
            count, _ = steps.execute()
    except redis.RedisError as error:
        raise BrokerAway from error
    return int(count)


def _key(name: str) -> str:
    return f"portal:heartbeat:{name}"


@cache
def _broker() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=PATIENCE_SECONDS, socket_timeout=PATIENCE_SECONDS
    )
