"""The registry's part of the door: attacks, limits, who sees what."""

import base64
import json

import pytest

from apps.accounts.models import User
from apps.registry.models import ModelFamily, ModelVersion
from tests.mlflow_protocol.conftest import PREFIXES, Mlflow, Speak, refusal
from tests.registry import conftest as registry
from tests.registry.conftest import MakeVersion

pytestmark = pytest.mark.django_db(transaction=True)
atlanta, family, make_version = registry.atlanta, registry.family, registry.make_version
S3 = "s3://bucket/model"
CLIMBING = [
    "/etc",
    "file:///etc",
    "//proc/self/root",
    "file:///..\\..\\x",
    "http:///#/../../etc",
    "mlflow-artifacts:/../x",
]
CLIMBING += [
    "s3://bucket/../x",
    "s3://bucket/a#/../../x",
    "s3://bucket/a\\..\\b",
    "s3://bucket/a\0b",
    "mlflow-artifacts:/../x",
]
FOREIGN = ["http://169.254.169.254/x", "https://evil/api/2.0/mlflow-artifacts/artifacts/0/x/artifacts", "ftp://h/x"]
FOREIGN += ["sftp://h/x", "hdfs://h/x", "viewfs://h/x", "r2://x@h/x", "b2://h/x", "abfss://c@h/x"]
FOREIGN += ["mlflow-artifacts://evil:5000/x", "HTTP://evil/x", "runs://evil/a/b", "models://evil/a/1"]


def encoded(text: str, times: int) -> str:
    for _ in range(times):
        text = "".join(f"%{byte:02x}" if chr(byte) in ".\\/#\0%" else chr(byte) for byte in text.encode())
    return text


@pytest.fixture
def mine(owner: User, speak: Speak) -> Mlflow:
    client = speak(owner)
    client.post("registered-models/create", name="mine")
    return client


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("times", [0, 1, 2])
@pytest.mark.parametrize("source", CLIMBING)
def test_no_source_climbs_however_often_it_is_encoded(mine: Mlflow, prefix: str, source: str, times: int) -> None:
    scheme, colon, path = source.partition(":")
    sent = f"{scheme}:{encoded(path, times)}" if colon and len(scheme) > 1 else encoded(source, times)
    for links in ({}, {"run_id": "a" * 32}, {"model_id": "m-" + "a" * 32}):
        answer = Mlflow(mine.authorization, prefix).post("model-versions/create", name="mine", source=sent, **links)
        assert refusal(answer) == (400, "INVALID_PARAMETER_VALUE"), sent
    assert not ModelVersion.objects.exists()


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("source", FOREIGN)
def test_no_source_names_another_host(mine: Mlflow, prefix: str, source: str) -> None:
    scheme, _, rest = source.partition(":")
    for times in (0, 1, 2):
        sent = f"{scheme}:{encoded(rest, times)}"
        answer = Mlflow(mine.authorization, prefix).post("model-versions/create", name="mine", source=sent)
        assert refusal(answer) == (400, "INVALID_PARAMETER_VALUE"), sent
    assert not ModelVersion.objects.exists()


def test_both_spellings_of_a_field_are_refused(mine: Mlflow) -> None:
    renamed = mine.post("registered-models/rename", name="mine", new_name="a", newName="b")
    searched = mine.get("registered-models/search", max_results="1", maxResults="1")
    assert refusal(renamed) == refusal(searched) == (400, "INVALID_PARAMETER_VALUE")


def test_a_restricted_familys_models_do_not_exist_for_strangers(
    family: ModelFamily, make_version: MakeVersion, atlanta: object, owner: User, stranger: User, speak: Speak
) -> None:
    make_version(atlanta)
    ModelFamily.objects.filter(pk=family.pk).update(visibility="teams")
    theirs, ours, name = speak(stranger), speak(owner), "eta-trip.atlanta"
    assert ours.get("model-versions/get", name=name, version="1")[0] == 200
    for path, more in (
        ("registered-models/get", {}),
        ("model-versions/get", {"version": "1"}),
        ("registered-models/alias", {"alias": "latest"}),
        ("model-versions/get-download-uri", {"version": "1"}),
    ):
        assert refusal(theirs.get(path, name=name, **more)) == (404, "RESOURCE_DOES_NOT_EXIST")
    for path in ("registered-models/search", "model-versions/search"):
        assert name not in str(theirs.get(path)[1])
        assert name in str(ours.get(path)[1])


def test_a_token_that_reads_writes_nothing(owner: User, speak: Speak, mine: Mlflow) -> None:
    reader = speak(owner, scope=["read"])
    assert reader.get("registered-models/get", name="mine")[0] == 200
    assert refusal(reader.post("registered-models/create", name="other")) == (403, "PERMISSION_DENIED")
    assert refusal(reader.delete("registered-models/delete", name="mine")) == (403, "PERMISSION_DENIED")


def test_a_name_of_a_family_needs_the_familys_permission(
    family: ModelFamily, owner: User, stranger: User, speak: Speak
) -> None:
    answer = speak(stranger).post("registered-models/create", name="eta-trip.atlanta")
    assert refusal(answer) == (403, "PERMISSION_DENIED")
    answer = speak(owner).post("registered-models/create", name="eta-trip.nowhere")
    assert refusal(answer) == (400, "INVALID_PARAMETER_VALUE")
    assert "has no segment 'nowhere'" in answer[1]["message"]
    assert speak(owner).post("registered-models/create", name="eta-trip.atlanta")[0] == 200


@pytest.mark.parametrize(
    "text", ["x" * 20_001, "(" * 10_000, "name = '" + "a" * 9_000 + "'", "name LIKE 'a\\'", "name = 'a\0b'"]
)
def test_a_filter_that_is_too_much_is_a_sentence(mine: Mlflow, text: str) -> None:
    for path in ("registered-models/search", "model-versions/search"):
        assert mine.get(path, filter=text)[0] in (200, 400)


@pytest.mark.parametrize(
    "place", [["2026-11-22", "x", 1], ["x", "x", "x"], [1], [None, None, None], {"a": 1}, ["9" * 400, "", 2**40]]
)
def test_a_page_token_of_ones_own_making_breaks_nothing(mine: Mlflow, place: object) -> None:
    token = base64.b64encode(json.dumps({"after": place}).encode()).decode()
    assert mine.get("model-versions/search", page_token=token)[0] == 400


def test_hot_answers_cost_one_statement(
    mine: Mlflow, owner: User, speak: Speak, django_assert_max_num_queries: object
) -> None:
    mine.post("model-versions/create", name="mine", source=S3)
    mine.post("registered-models/alias", name="mine", alias="prod", version="1")
    for path, more in (
        ("registered-models/alias", {"alias": "prod"}),
        ("model-versions/get", {"version": "1"}),
        ("registered-models/get", {}),
    ):
        with django_assert_max_num_queries(1 + 3):  # type: ignore[operator]  # three ask who holds the token
            assert mine.get(path, name="mine", **more)[0] == 200
