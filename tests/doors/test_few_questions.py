"""What a reader opens asks the database a bounded number of questions: every page that links lead to, and the API."""

import re
from html import unescape
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import Resolver404, resolve
from rest_framework.test import APIClient

from apps.accounts.models import User
from tests.conftest import api, signed_in
from tests.doors.conftest import Everything
from tests.doors.test_every_door import addresses, filled

pytestmark = pytest.mark.django_db
MOST = 25
"""Whoever is signed in, and their session, included."""


def ask(client: Client | APIClient, address: str) -> tuple[HttpResponseBase, int]:
    with CaptureQueriesContext(connection) as asked:
        answer = client.get(address)
    return answer, sum("SAVEPOINT" not in one["sql"] for one in asked)  # transactions, were this test none itself


def questions_of_pages(client: Client) -> dict[str, int]:
    """From home along the links, one address of each route."""
    waiting, routes, found = ["/"], set[str](), dict[str, int]()
    for address in waiting:
        route = route_of(address)
        if route and route not in routes:
            routes.add(route)
            answer, found[address] = ask(client, address)
            waiting += links_in(answer)
    return found


def links_in(answer: HttpResponseBase) -> list[str]:
    """Paths, without what they search for."""
    if not isinstance(answer, HttpResponse) or not answer.headers["Content-Type"].startswith("text/html"):
        return []
    links = re.findall(r'href="(/[^"#]*)', answer.content.decode())
    return [urlsplit(unescape(link)).path for link in links]


def route_of(address: str) -> str:
    """Empty for what is no page of ours."""
    try:
        found = resolve(address)
    except Resolver404:
        return ""
    return "" if address.startswith(("/api/", "/static/", "/accounts/sign-out")) else found.route or "/"


def test_no_page_asks_more(everything: Everything, mighty: User, owner: User, stranger: User) -> None:
    for reader in (mighty, owner, stranger):
        pages = questions_of_pages(signed_in(reader))
        assert len(pages) > 40, pages
        assert {page: count for page, count in pages.items() if count > MOST} == {}, reader


def test_no_address_of_the_api_asks_more(everything: Everything, mighty: User) -> None:
    client = api(mighty)
    asked = {address: ask(client, filled(address, everything))[1] for address in addresses()}
    assert {address: count for address, count in asked.items() if count > MOST} == {}
