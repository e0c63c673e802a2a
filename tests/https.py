"""A portal as a company runs it, behind a proxy that speaks HTTPS for `portal.example.org`, as a browser meets it."""

from http.cookies import SimpleCookie
from typing import Any

import requests

from tests.served import Web

BY_HTTPS = {"X-Forwarded-Proto": "https", "Host": "portal.example.org"}
BEHIND_PROXY = {"PORTAL_LOCAL": "0", "BEHIND_PROXY": "1", "ALLOWED_HOSTS": "portal.example.org,127.0.0.1"}
"""Settings of its web process."""


def ask(portal: Web, method: str, path: str, **more: Any) -> requests.Response:
    headers = BY_HTTPS | more.pop("headers", {})
    return requests.request(method, portal.address + path, headers=headers, allow_redirects=False, timeout=30, **more)


def cookies_of(answer: requests.Response) -> SimpleCookie:
    """With their flags."""
    raw: Any = answer.raw
    return SimpleCookie("\n".join(f"{line}" for line in raw.headers.getlist("Set-Cookie")))
