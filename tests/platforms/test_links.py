"""Links to other products: set by admins, filled in by pages, never anything but an address of the web."""

import pytest

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.core.errors import Conflict, Denied, Exists, Invalid
from apps.platforms import actions
from apps.platforms.models import Connection, OutsideLink
from apps.platforms.queries import links_out
from apps.platforms.templating import VARIABLES, filled, place_in_bucket
from tests.conftest import api, signed_in

pytestmark = pytest.mark.django_db
GRAFANA = "https://grafana.example.org/d/eta?var-city={segment}"
AIRFLOW = "https://airflow.example.org/dags/{workflow}/runs/{outside_run}"


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("javascript:alert({segment})", "begins with https://"),
        ("JaVaScRiPt://x/%0aalert({segment})", "begins with https://"),
        ("data:text/html,{segment}", "begins with https://"),
        ("//grafana.example.org/{segment}", "begins with https://"),
        ("https://{segment}.example.org/", "which can not be filled in"),
        ("https://admin:pw@grafana.example.org/", "begins with https://"),
        ("https://x:99999/", "begins with https://"),
        ("{source}", "begins with https://"),
        ("https://x/{password}", "no {password} to fill in"),
        ("https://x/{segment.__class__}", "no {segment.__class__} to fill in"),
        ("https://x/{segment!r}", "a name and nothing else"),
        ("https://x/{segment:>9}", "a name and nothing else"),
        ("https://x/{}", "a name and nothing else"),
        ("https://x/{segment", "stands alone"),
        ("https://x/a b", "one line"),
        ("https://x/\n", "begins"),
        ("https://x/" + "a" * 1_000, "one line"),
    ],
)
def test_a_template_is_an_address_of_the_web_with_names_to_fill(admin: User, template: str, said: str) -> None:
    if template == "https://x/\n":
        assert actions.add_link(actor=admin, name="Trimmed", template=template).template == "https://x/"
        return
    with pytest.raises(Invalid, match=said.replace("{", r"\{").replace("(", r"\(")) as caught:
        actions.add_link(actor=admin, name="Bad", template=template)
    assert caught.value.field == "template"


def test_values_are_percent_encoded_and_a_missing_one_hides_the_link() -> None:
    assert filled(GRAFANA, {"segment": "são paulo&x=1#y"}) == (
        "https://grafana.example.org/d/eta?var-city=s%C3%A3o%20paulo%26x%3D1%23y"
    )
    assert filled(AIRFLOW, {"workflow": "retrain/../../admin", "outside_run": '"><script>'}) == (
        "https://airflow.example.org/dags/retrain%2F..%2F..%2Fadmin/runs/%22%3E%3Cscript%3E"
    )
    for absent in ({}, {"segment": ""}, {"segment": None}, {"segment": ".."}, {"other": "x"}):
        assert filled(GRAFANA, absent) == ""


def test_a_place_on_s3_is_a_bucket_and_a_path() -> None:
    assert place_in_bucket("s3://models/eta/atlanta") == {"bucket": "models", "key": "eta/atlanta"}
    for other in ("", "models:/m-1", "https://example.org/a/b", "s3://", "s3:/x"):
        assert place_in_bucket(other) == {}


def test_only_admins_set_links_and_each_change_is_told(admin: User, owner: User) -> None:
    with pytest.raises(Denied, match="links out"):
        actions.add_link(actor=owner, name="Grafana", template=GRAFANA)
    link = actions.add_link(actor=admin, name="Grafana", template=GRAFANA, pages=["version", "segment"])
    assert link.pages == ["segment", "version"]
    with pytest.raises(Exists):
        actions.add_link(actor=admin, name=" Grafana", template=GRAFANA)
    with pytest.raises(Denied):
        actions.change_link(actor=owner, link=link, pages=[])
    actions.change_link(actor=admin, link=link, pages=[])
    for wrong in ({"pages": ["moon"]}, {"connection": "none"}, {"name": " "}, {"name": "x" * 61}):
        with pytest.raises(Invalid):
            actions.change_link(actor=admin, link=link, **wrong)
    with pytest.raises(Denied):
        actions.remove_link(actor=owner, link=link)
    actions.remove_link(actor=admin, link=link)
    told = AuditEvent.objects.filter(action__startswith="platforms.link").order_by("pk")
    assert [event.action for event in told] == ["platforms.link_set", "platforms.link_set", "platforms.link_removed"]
    assert told[1].before == told[0].after == {
        "name": "Grafana", "template": GRAFANA, "pages": ["segment", "version"], "connection": "",
    }  # fmt: skip


def test_a_link_stands_where_it_is_wanted_and_where_it_ran(admin: User) -> None:
    airflow = Connection.objects.create(name="prod", kind="airflow", address="https://a.example.org", created_by=admin)
    actions.add_link(actor=admin, name="Airflow", template=AIRFLOW, connection="prod")
    actions.add_link(actor=admin, name="Grafana", template=GRAFANA, pages=["segment"])
    known = {"workflow": "retrain_city", "outside_run": "portal-1", "segment": "atlanta"}

    def named(page: str, connection_id: int | None = None) -> list[str]:
        return [link.name for link in links_out(page=page, values=lambda: known, ran_on=lambda: connection_id)]

    assert named("segment", airflow.pk) == ["Airflow", "Grafana"]
    assert named("segment_run", airflow.pk) == ["Airflow"]
    assert named("segment_run", airflow.pk + 1) == named("segment_run") == []
    with pytest.raises(Conflict, match="a link out is for"):
        actions.remove_connection(actor=admin, connection=airflow)


def test_values_are_not_looked_up_where_no_link_is_set() -> None:
    assert links_out(page="run", values=lambda: pytest.fail("asked for nothing")) == []


def test_the_page_and_the_api_do_the_same(admin: User, owner: User) -> None:
    browser = signed_in(admin)
    assert "No links out" in browser.get("/links/").content.decode()
    form = browser.get("/links/new/").content.decode()
    assert all(f"{{{name}}}" in form for name in VARIABLES)
    refused = browser.post("/links/new/", {"name": "Grafana", "template": "ftp://x"})
    assert (refused.status_code, "begins with https://" in refused.content.decode()) == (400, True)
    assert browser.post("/links/new/", {"name": "Grafana", "template": GRAFANA, "pages": ["run"]}).status_code == 302
    link = OutsideLink.objects.get()
    client = api(admin)
    assert client.get("/api/v1/links/").json()["results"][0]["template"] == GRAFANA
    changed = client.patch(f"/api/v1/links/{link.pk}/", {"pages": ["segment"]}, format="json")
    assert (changed.status_code, changed.json()["pages"]) == (200, ["segment"])
    made = client.post("/api/v1/links/", {"name": "Airflow", "template": AIRFLOW}, format="json")
    assert made.status_code == 201
    assert client.delete(f"/api/v1/links/{made.json()['id']}/").status_code == 204
    assert "Segments" in browser.get("/links/").content.decode()
    assert GRAFANA in browser.get(f"/links/{link.pk}/").content.decode()
    for nobody in (signed_in(owner).get("/links/"), api(owner).get("/api/v1/links/")):
        assert "grafana.example.org" not in nobody.content.decode()
    assert signed_in(owner).get(f"/links/{link.pk}/").status_code == 404
    assert signed_in(owner).get("/links/new/").status_code == 403
    assert browser.post(f"/links/{link.pk}/remove/").status_code == 302
    assert not OutsideLink.objects.exists()
