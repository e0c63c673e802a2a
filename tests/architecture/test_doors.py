"""Deny by default: every address of the portal, without credentials, with a stranger's, and every task's queue."""

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from portal.celery import app

OPEN = {"healthz", "readyz", "accounts/sign-in/"}
"""Addresses that need no sign-in."""
SAMPLES = {"slug": "none", "name": "none.none", "key": "none", "token_key": "none", "path": "model.json"}


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
    for name, converter in pattern.pattern.converters.items():
        value = "1" if "Int" in type(converter).__name__ else SAMPLES.get(name, "none")
        route = route.replace(f"<int:{name}>", value).replace(f"<str:{name}>", value)
        route = route.replace(f"<slug:{name}>", value).replace(f"<path:{name}>", value).replace(f"<{name}>", value)
    return _without_groups(route)


def _without_groups(route: str) -> str:
    import re

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


def test_every_task_names_one_of_the_two_queues() -> None:
    app.loader.import_default_modules()
    ours = {name: task for name, task in app.tasks.items() if not name.startswith("celery.")}
    assert ours, "no task is registered"
    assert {name for name, task in ours.items() if task.queue not in ("control", "work")} == set()


def test_what_beat_rings_exists_and_is_quick() -> None:
    app.loader.import_default_modules()
    for entry in app.conf.beat_schedule.values():
        assert app.tasks[entry["task"]].queue == "control"
