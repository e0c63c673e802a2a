"""Data in S3 that a version names: handed out where a connection covers them, to whoever may see the version."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator

import pytest

from apps.accounts.models import Team, User
from apps.core.errors import Invalid, Missing
from apps.platforms.actions import add_connection
from apps.platforms.actions import test_connection as ask_again
from apps.platforms.models import Connection
from apps.platforms.queries import data_links
from apps.platforms.s3 import Bucket, Place, place_at
from apps.registry.models import ModelFamily, ModelVersion, Segment
from apps.tracking.actions import ensure_experiment, open_run
from apps.tracking.models import Dataset, RunInput
from tests.conftest import api, signed_in
from tests.registry.conftest import MakeVersion
from tests.s3_server import Answering, moto_server, place_of_its_own, refusal

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with moto_server() as address:
        yield address


@pytest.fixture
def lake(s3: str) -> Place:
    """A bucket with an object below the prefix and one beside it."""
    made = place_of_its_own(s3)
    Bucket(made).put("trips/2013-07.csv", b"city,minutes")
    Bucket(Place(**{**vars(made), "prefix": ""})).put("portal-secret/keys", b"secret")
    return made


@pytest.fixture
def connection(lake: Place, admin: User) -> Connection:
    address = f"{lake.endpoint}/{lake.bucket}/{lake.prefix}"
    credential = f"{lake.key_id}:{lake.secret}"
    return add_connection(actor=admin, name="lake", kind="s3", address=address, secret=credential)


@pytest.fixture
def version(lake: Place, owner: User, team: Team, atlanta: Segment, make_version: MakeVersion) -> ModelVersion:
    """Its run names two objects and a folder there, one beside the prefix, and one of somebody else's bucket."""
    experiment = ensure_experiment(actor=owner, name="eta", team=team)
    run = open_run(actor=owner, experiment=experiment, name="train", tags={})
    keys = ["portal/trips/2013-07.csv", "portal/trips", "portal-secret/keys", "portal/../portal-secret/keys"]
    addresses = [f"s3://{lake.bucket}/{key}" for key in keys] + ["s3://somebody-elses/x", "https://example.org/x"]
    for number, address in enumerate(addresses):
        data = Dataset.objects.create(
            experiment=run.experiment,
            name="trips",
            digest=str(number),
            source_type="s3",
            source=json.dumps({"uri": address}),
        )
        RunInput.objects.create(run=run, dataset=data, tags={"mlflow.data.context": "training"})
    return make_version(atlanta, run=run)


def test_what_a_connection_covers_is_downloaded_and_nothing_else(
    version: ModelVersion, connection: Connection, lake: Place, owner: User
) -> None:
    told = api(owner).get(f"/api/v1/versions/{version.pk}/data/").json()
    assert [(one["number"], one["connection"]) for one in told] == [(1, "lake"), (2, "lake"), (3, ""), (4, ""), (5, "")]
    assert told[0]["address"] == f"s3://{lake.bucket}/portal/trips/2013-07.csv"
    assert (told[0]["name"], told[0]["purpose"]) == ("trips", "training")
    answer = api(owner).get(f"/api/v1/versions/{version.pk}/data/1/")
    assert answer.status_code == 302
    with urllib.request.urlopen(answer["Location"]) as fetched:
        assert fetched.read() == b"city,minutes"
        assert fetched.headers["Content-Disposition"] == "attachment; filename*=UTF-8''2013-07.csv"
    for number, sentence in (
        (2, "it may be a folder"),
        (3, "no S3 connection covers it"),
        (4, "no S3"),
        (5, "no S3"),
        (6, "no S3"),
    ):
        refused = api(owner).get(f"/api/v1/versions/{version.pk}/data/{number}/")
        assert refused.status_code == 404
        assert sentence in refused.json()["message"]
    page = signed_in(owner).get(f"/m/{version.model.its_family.slug}/atlanta/v{version.number}/").content.decode()
    assert f"/api/v1/versions/{version.pk}/data/1/" in page
    assert f"/api/v1/versions/{version.pk}/data/3/" not in page
    assert "s3://somebody-elses/x" in page
    assert lake.secret not in page


def test_a_stranger_to_a_restricted_family_learns_nothing(
    version: ModelVersion, connection: Connection, family: ModelFamily, stranger: User
) -> None:
    ModelFamily.objects.filter(pk=family.pk).update(visibility="teams")
    for address in ("data/", "data/1/"):
        assert api(stranger).get(f"/api/v1/versions/{version.pk}/{address}").status_code == 404


def test_a_bucket_that_is_away_is_a_sentence_to_try_again(
    version: ModelVersion, lake: Place, admin: User, owner: User
) -> None:
    with Answering(403, refusal("AccessDenied")).served() as closed:
        address = f"{closed}/{lake.bucket}/portal"
        made = add_connection(actor=admin, name="closed", kind="s3", address=address, secret="ID:SECRET")
        answer = api(owner).get(f"/api/v1/versions/{version.pk}/data/1/")
        assert (answer.status_code, answer["Retry-After"]) == (503, "5")
        assert ask_again(actor=admin, connection=made).trouble == "permission"


def test_a_connection_is_tested_and_its_address_and_credential_are_read(connection: Connection, admin: User) -> None:
    tested = ask_again(actor=admin, connection=connection)
    assert (tested.health, tested.trouble) == ("well", "")
    assert "can be listed and linked to" in tested.said
    for address, secret, field in (
        ("https://s3.example.org", "", "address"),
        ("https://s3.example.org/UPPER", "", "address"),
        ("https://s3.example.org/lake?color=red", "", "address"),
        ("https://s3.example.org/lake?style=odd", "", "address"),
        ("https://s3.example.org/lake", "only-an-id", "secret"),
    ):
        with pytest.raises(Invalid) as refused:
            add_connection(actor=admin, name="wrong", kind="s3", address=address, secret=secret)
        assert refused.value.field == field
    place = place_at("https://s3.fr-par.scw.cloud/lake/raw", "ID:SECRET")
    assert (place.bucket, place.prefix, place.region, place.style) == ("lake", "raw", "fr-par", "path")
    amazon = place_at("https://s3.eu-west-1.amazonaws.com/lake?style=path")
    assert (amazon.region, amazon.style, str(amazon)) == ("eu-west-1", "path", "s3://lake")


def test_the_longer_prefix_covers_and_a_key_that_climbs_is_nobodys(
    connection: Connection, lake: Place, admin: User
) -> None:
    address = f"{lake.endpoint}/{lake.bucket}/portal/trips"
    add_connection(actor=admin, name="trips", kind="s3", address=address)
    keys = ["portal/trips/a", "portal/b", "portal", "portalb", "portal//b", "portal/./b", "portal/../x"]
    found = data_links(f"s3://{lake.bucket}/{key}" for key in keys)
    assert {link.connection.name + " " + link.key for link in found.values()} == {"trips a", "lake b"}
    with pytest.raises(Missing):
        found[f"s3://{lake.bucket}/portal/b"].download(seconds=1)
