"""Deny by default: every address of the portal, without credentials, with a stranger's, and every task's queue."""

import re
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from portal.celery import app

SINGLE = "accounts/sign-in/single/"
OPEN = {"healthz", "readyz", "accounts/sign-in/", "health", "version", SINGLE, f"{SINGLE}return/"}
OPEN |= {"accounts/sign-in/break-glass/none/", "api/v1/ci-token/"}
"""Addresses that need no sign-in."""
UUID = "0f8fad5b-d9cb-469f-a165-70867728950e"
SAMPLES = {"slug": "none", "name": "none.none", "key": "none", "token_key": "none", "path": "model.json"}
NOBODYS = "00000000-0000-4000-8000-000000000000"
SAMPLES |= {"webhook_id": NOBODYS, "delivery_id": NOBODYS}


def addresses(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[str]:
    for pattern in (resolver or get_resolver()).url_patterns:
        route = prefix + str(pattern.pattern).lstrip("^").rstrip("$")
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern, route)
        elif isinstance(pattern, URLPattern) and ".<format>" not in route and "(?P<format>" not in route:
            yield _filled(pattern, prefix)


def _filled(pattern: URLPattern, prefix: str) -> str:
    """The address with something plausible in each of its places."""
    route = prefix + str(pattern.pattern).lstrip("^").rstrip("$").replace("\\Z", "")
    route = re.sub(r"(?<!\?P)<int:\w+>", "1", route)
    route = re.sub(r"(?<!\?P)<uuid:\w+>", UUID, route)
    route = re.sub(r"\(\?P<\w+>\[0-9a-f[^()]*\)", UUID, route)
    route = re.sub(r"(?<!\?P)<(?:\w+:)?(\w+)>", lambda found: SAMPLES.get(found[1], "none"), route)
    return re.sub(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)", lambda found: SAMPLES.get(found[1], "1"), route)


def closed() -> list[str]:
    return sorted({address for address in addresses() if address not in OPEN and not address.startswith("static/")})


@pytest.mark.parametrize("address", closed())
@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.django_db
def test_no_address_opens_without_credentials(client: Client, address: str, method: str) -> None:
    response = getattr(client, method)(f"/{address}")
    signs_in = response.status_code == 302 and "/sign-in/" in response["Location"]
    assert signs_in or response.status_code in (401, 403), f"/{address} answered {response.status_code}"


@pytest.mark.parametrize("address", [address for address in closed() if address.startswith("api/")])
@pytest.mark.django_db
def test_a_wrong_token_opens_no_address_of_the_api(client: Client, address: str) -> None:
    assert client.get(f"/{address}", headers={"authorization": "Bearer 1234567890abcdef"}).status_code == 401


def queue_of(task: str) -> str:
    return app.amqp.router.route({}, task)["queue"].name


def test_only_what_takes_time_is_in_the_queue_of_work() -> None:
    app.loader.import_default_modules()
    ours = {name: queue_of(name) for name in app.tasks if not name.startswith("celery.")}
    assert ours, "no task is registered"
    assert {name for name, queue in ours.items() if queue == "work"} == {"retraining.train", "registry.evaluate"}
    assert {name for name, queue in ours.items() if queue == "outgoing"} == {
        "accounts.recheck",
        "notifications.send",
        "platforms.look_after",
        "artifacts.look_after",
        "artifacts.sweep",
        "registry.publish",
        "retention.cut",
        "retraining.attend",
        "retraining.hand_over",
        "retraining.listen",
        "retraining.look_up",
        "transfers.bring",
    }
    assert set(ours.values()) == {"work", "control", "outgoing"}


def test_what_beat_rings_exists_and_is_quick() -> None:
    app.loader.import_default_modules()
    for entry in app.conf.beat_schedule.values():
        assert entry["task"] in app.tasks
        assert queue_of(entry["task"]) == "control"
