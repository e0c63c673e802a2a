"""Each rule of the registry's contract as a sequence of calls: both servers mean the same."""

from __future__ import annotations

from itertools import count

import pytest

from tests.parity.compared import Both

_number = count(1)
S3 = "s3://bucket/model"
RM, MV = "registered-models", "model-versions"


@pytest.fixture
def name() -> str:
    """Nobody has it yet, on neither server."""
    return f"model-{next(_number)}"


@pytest.fixture
def model(both: Both, name: str) -> str:
    both.same("POST", f"{RM}/create", name=name)
    return name


@pytest.fixture
def versions(both: Both, model: str) -> str:
    """A model with three versions."""
    for _ in range(3):
        both.same("POST", f"{MV}/create", name=model, source=S3)
    return model


def test_a_model_is_created_read_described_and_deleted(both: Both, name: str) -> None:
    tags = [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}, {"key": "a", "value": "3"}]
    both.same("POST", f"{RM}/create", name=name, tags=tags, description="text")
    both.same("GET", f"{RM}/get", name=name)
    both.same("PATCH", f"{RM}/update", name=name, description="other")
    both.same("PATCH", f"{RM}/update", name=name)
    both.same("GET", f"{RM}/get", name=name)
    both.same("DELETE", f"{RM}/delete", name=name)
    both.same("GET", f"{RM}/get", name=name)
    both.same("DELETE", f"{RM}/delete", name=name)


@pytest.mark.parametrize(
    "odd",
    [
        "",
        " ",
        "a/b",
        "a:b",
        ".",
        "..",
        "..x",
        "a/../b",
        "./a",
        "ü",
        "ß 木",
        "50% off",
        "it's",
        '"quoted"',
        "a.b",
        "`",
        "\\",
        "a\\b",
        "_",
        "%",
        "x" * 256,
        "-",
        "A",
        "a b",
        "#",
        "?",
        "&",
        "\t",
        "a\n",
    ],
)
def test_names_are_taken_and_refused_alike(both: Both, odd: str) -> None:
    both.same("POST", f"{RM}/create", name=odd)
    both.same("GET", f"{RM}/get", name=odd)
    both.same("POST", f"{MV}/create", name=odd, source=S3)
    both.same("GET", f"{MV}/get", name=odd, version="1")
    both.same("POST", f"{RM}/rename", name=odd, new_name=odd)
    both.same("DELETE", f"{RM}/delete", name=odd)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", f"{RM}/create"),
        ("POST", f"{RM}/rename"),
        ("PATCH", f"{RM}/update"),
        ("DELETE", f"{RM}/delete"),
        ("GET", f"{RM}/get"),
        ("POST", f"{RM}/get-latest-versions"),
        ("POST", f"{RM}/set-tag"),
        ("DELETE", f"{RM}/delete-tag"),
        ("POST", f"{RM}/alias"),
        ("DELETE", f"{RM}/alias"),
        ("GET", f"{RM}/alias"),
        ("POST", f"{MV}/create"),
        ("GET", f"{MV}/get"),
        ("PATCH", f"{MV}/update"),
        ("POST", f"{MV}/transition-stage"),
        ("DELETE", f"{MV}/delete"),
        ("GET", f"{MV}/get-download-uri"),
        ("POST", f"{MV}/set-tag"),
        ("DELETE", f"{MV}/delete-tag"),
    ],
)
def test_what_is_missing_is_named(both: Both, model: str, method: str, path: str) -> None:
    sent: dict[str, str] = {}
    for field, value in {
        "name": model,
        "version": "1",
        "key": "k",
        "alias": "a",
        "stage": "None",
        "source": S3,
    }.items():
        both.same(method, path, **sent)
        sent[field] = value
        both.same(method, path, **{**sent, field: ""})
    both.same(method, path, **{**sent, "name": f"{model}-that-is-not-there"})


@pytest.mark.parametrize("wrong", [5, 1.5, True, ["a"], {"a": "b"}])
@pytest.mark.parametrize("field", ["name", "description"])
def test_wrong_types_are_refused_alike(both: Both, name: str, field: str, wrong: object) -> None:
    both.same("POST", f"{RM}/create", **{"name": name, field: wrong})


def test_a_name_is_taken_by_one(both: Both, model: str, name: str) -> None:
    both.same("POST", f"{RM}/create", name=model)
    both.same("POST", f"{RM}/create", name=f"{name}-other")
    both.same("POST", f"{RM}/create", name=model, tags=[{"key": "mlflow.prompt.is_prompt", "value": "true"}])


def test_names_are_case_sensitive(both: Both, model: str) -> None:
    both.same("POST", f"{RM}/create", name=model.upper())
    both.same("GET", f"{RM}/get", name=model.title())


def test_a_renamed_model_takes_everything_along(both: Both, versions: str) -> None:
    both.same("POST", f"{RM}/set-tag", name=versions, key="a", value="b")
    both.same("POST", f"{RM}/alias", name=versions, alias="prod", version="2")
    both.same("POST", f"{RM}/rename", name=versions, new_name=f"{versions}-renamed")
    both.same("GET", f"{RM}/get", name=versions)
    both.same("GET", f"{RM}/get", name=f"{versions}-renamed")
    both.same("GET", f"{RM}/alias", name=f"{versions}-renamed", alias="prod")
    both.same("GET", f"{MV}/search", filter=f"name = '{versions}-renamed'", order_by=["version_number ASC"])
    both.same("POST", f"{RM}/rename", name=f"{versions}-renamed", new_name="a/b")
    both.same("POST", f"{RM}/rename", name=f"{versions}-renamed", new_name=" ")


def test_a_deleted_version_leaves_its_number(both: Both, versions: str) -> None:
    both.same("DELETE", f"{MV}/delete", name=versions, version="3")
    both.same("DELETE", f"{MV}/delete", name=versions, version="3")
    both.same("GET", f"{MV}/get", name=versions, version="3")
    both.same("POST", f"{MV}/create", name=versions, source=S3)
    both.same("GET", f"{RM}/get", name=versions)
    both.same("GET", f"{MV}/search", filter=f"name = '{versions}'")


def test_a_deleted_models_name_begins_anew(both: Both, versions: str) -> None:
    both.same("POST", f"{RM}/alias", name=versions, alias="prod", version="2")
    both.same("DELETE", f"{RM}/delete", name=versions)
    both.same("GET", f"{MV}/get", name=versions, version="1")
    both.same("GET", f"{MV}/search", filter=f"name = '{versions}'")
    both.same("POST", f"{RM}/create", name=versions)
    both.same("GET", f"{RM}/alias", name=versions, alias="prod")
    both.same("POST", f"{MV}/create", name=versions, source=S3)


@pytest.mark.parametrize("number", ["0", "-1", "1", "01", " 1 ", "99", "x", "1.0", "", "1e3", "latest", "v1", "١"])
def test_version_numbers_are_read_alike(both: Both, versions: str, number: str) -> None:
    both.same("GET", f"{MV}/get", name=versions, version=number)
    both.same("PATCH", f"{MV}/update", name=versions, version=number, description="x")
    both.same("POST", f"{RM}/alias", name=versions, alias="a", version=number)
    both.same("POST", f"{MV}/set-tag", name=versions, version=number, key="k", value="v")
    both.same("DELETE", f"{MV}/delete-tag", name=versions, version=number, key="k")
    both.same("GET", f"{MV}/get-download-uri", name=versions, version=number)
    both.same("POST", f"{MV}/transition-stage", name=versions, version=number, stage="Staging")


@pytest.mark.parametrize(
    "key",
    [
        "a",
        "a.b",
        "a/b",
        "a b",
        "a:b",
        "a-b",
        "_",
        "ü",
        "",
        " ",
        ".",
        "..",
        "/a",
        "a/",
        "a//b",
        "a#",
        "a'b",
        "x" * 250,
        "x" * 251,
    ],
)
def test_tag_keys_are_taken_and_refused_alike(both: Both, versions: str, key: str) -> None:
    for path, sent in ((RM, {"name": versions}), (MV, {"name": versions, "version": "1"})):
        both.same("POST", f"{path}/set-tag", **sent, key=key, value="v")
        both.same("GET", f"{path}/get", **sent)
        both.same("DELETE", f"{path}/delete-tag", **sent, key=key)
        both.same("DELETE", f"{path}/delete-tag", **sent, key=key)
        both.same("GET", f"{path}/get", **sent)
    both.same("POST", f"{RM}/create", name=f"{versions}-t", tags=[{"key": key, "value": "v"}])
    both.same("POST", f"{MV}/create", name=versions, source=S3, tags=[{"key": key, "value": "v"}])


def test_a_tag_is_replaced_and_may_be_long(both: Both, versions: str) -> None:
    for value in ("a", "b", "", "ü" * 5_000):
        both.same("POST", f"{RM}/set-tag", name=versions, key="k", value=value)
        both.same("POST", f"{MV}/set-tag", name=versions, version="1", key="k", value=value)
        both.same("GET", f"{RM}/get", name=versions)
        both.same("GET", f"{MV}/get", name=versions, version="1")
    both.same("POST", f"{MV}/set-tag", name=versions, version="1", key="k", value="x" * 100_000)
    both.same("POST", f"{MV}/set-tag", name=versions, version="1", key="k", value="x" * 100_001)
    both.same("POST", f"{RM}/set-tag", name=versions, key="k", value="x" * 100_001)


@pytest.mark.parametrize(
    "alias",
    [
        "prod",
        "Prod",
        "a-b",
        "a_b",
        "latest",
        "Latest",
        "v1",
        "V12",
        "v",
        "v1a",
        "1",
        "a b",
        "a.b",
        "a/b",
        "ü",
        "x" * 255,
        "x" * 256,
    ],
)
def test_aliases_are_taken_and_refused_alike(both: Both, versions: str, alias: str) -> None:
    both.same("GET", f"{RM}/alias", name=versions, alias=alias)
    both.same("POST", f"{RM}/alias", name=versions, alias=alias, version="1")
    both.same("POST", f"{RM}/alias", name=versions, alias=alias, version="2")
    both.same("POST", f"{RM}/alias", name=versions, alias=alias, version="2")
    both.same("GET", f"{RM}/alias", name=versions, alias=alias)
    both.same("GET", f"{RM}/get", name=versions)
    both.same("GET", f"{MV}/get", name=versions, version="2")
    both.same("DELETE", f"{RM}/alias", name=versions, alias=alias)
    both.same("DELETE", f"{RM}/alias", name=versions, alias=alias)
    both.same("GET", f"{RM}/alias", name=versions, alias=alias)


def test_an_alias_goes_with_its_version(both: Both, versions: str) -> None:
    for alias in ("one", "two"):
        both.same("POST", f"{RM}/alias", name=versions, alias=alias, version="2")
    both.same("GET", f"{MV}/get", name=versions, version="2")
    both.same("DELETE", f"{MV}/delete", name=versions, version="2")
    both.same("GET", f"{RM}/get", name=versions)
    both.same("GET", f"{RM}/alias", name=versions, alias="one")
    both.same("GET", f"{RM}/alias", name=f"{versions}-not-there", alias="one")
    both.same("DELETE", f"{RM}/alias", name=f"{versions}-not-there", alias="one")


def test_latest_is_the_highest_number_whatever_its_stage(both: Both, model: str, versions: str) -> None:
    both.same("POST", f"{MV}/transition-stage", name=versions, version="3", stage="Archived")
    both.same("GET", f"{RM}/alias", name=versions, alias="latest")
    both.same("DELETE", f"{MV}/delete", name=versions, version="3")
    both.same("GET", f"{RM}/alias", name=versions, alias="LATEST")


def test_latest_of_nothing_is_missing(both: Both, model: str) -> None:
    both.same("GET", f"{RM}/alias", name=model, alias="latest")


@pytest.mark.parametrize(
    "stage",
    ["None", "Staging", "Production", "Archived", "staging", "PRODUCTION", "none", "unknown", "Deleted_Internal", " "],
)
def test_stages_are_read_alike(both: Both, versions: str, stage: str) -> None:
    for number in ("1", "2"):
        both.same("POST", f"{MV}/transition-stage", name=versions, version=number, stage=stage)
    both.same("GET", f"{RM}/get", name=versions)
    both.same("POST", f"{RM}/get-latest-versions", name=versions, stages=[stage])
    both.same("GET", f"{RM}/get-latest-versions", name=versions, stages=[stage, "None"])
    both.same("POST", f"{RM}/get-latest-versions", name=versions)


@pytest.mark.parametrize("stage", ["Staging", "Production"])
def test_who_comes_archives_who_was_there(both: Both, versions: str, stage: str) -> None:
    for number in ("1", "2", "3"):
        both.same(
            "POST",
            f"{MV}/transition-stage",
            name=versions,
            version=number,
            stage=stage,
            archive_existing_versions=number == "3",
        )
    both.same("GET", f"{RM}/get", name=versions)
    both.same("GET", f"{MV}/search", filter=f"name = '{versions}'", order_by=["version_number"])


def test_descriptions_of_versions(both: Both, versions: str) -> None:
    for description in ("text", "", "ü" * 5_000):
        both.same("PATCH", f"{MV}/update", name=versions, version="1", description=description)
        both.same("GET", f"{MV}/get", name=versions, version="1")
    both.same("PATCH", f"{MV}/update", name=versions, version="1")
    both.same("GET", f"{MV}/get", name=versions, version="1")


@pytest.mark.parametrize(
    "source",
    [
        "s3://bucket/x",
        "gs://bucket/x/y",
        "dbfs:/x",
        "wasbs://c@h/x",
        "/etc/passwd",
        "relative",
        "./x",
        "../x",
        "file:///etc",
        "file:/etc/passwd",
        "http://169.254.169.254/latest",
        "https://evil/x",
        "ftp://h/x",
        "sftp://h/x",
        "hdfs://h/x",
        "viewfs://h/x",
        "r2://x@h/y",
        "b2://x/y",
        "abfss://x@h/y",
        "mlflow-artifacts://evil:5000/x",
        "mlflow-artifacts:/x",
        "mlflow-artifacts:/../../etc",
        "s3://bucket/../x",
        "s3://bucket/..%2f..%2fx",
        "s3://bucket/%252e%252e/x",
        "s3://bucket/a%00",
        "s3://bucket",
        "s3://bucket/",
        "runs:/abc/model",
        "models:/m-00000000000000000000000000000000",
        "models:/nobody/1",
        "models:/",
        "models://host/x/1",
        "models:/a/b/c",
        "models:/nobody/Production",
        "models:/nobody@prod",
        "dummy-source",
        "//proc/self/root",
        "C:\\x",
        "s3:/x//y/./z",
    ],
)
def test_sources_are_taken_and_refused_alike(both: Both, model: str, source: str) -> None:
    both.same("POST", f"{MV}/create", name=model, source=source)
    both.same("POST", f"{MV}/create", name=model, source=source, run_id="b" * 32)


def test_a_version_keeps_its_links(both: Both, model: str) -> None:
    both.same("POST", f"{MV}/create", name=model, source="runs:/abc/model", run_id="abc")
    both.same("POST", f"{MV}/create", name=model, source=S3, run_id="x" * 32, run_link="http://elsewhere/run/1")
    both.same("GET", f"{MV}/get", name=model, version="1")
    both.same("GET", f"{MV}/get-download-uri", name=model, version="2")
    both.same("GET", f"{MV}/search", filter="run_id = 'abc'")


def test_a_copy_points_to_the_first_files(both: Both, versions: str, name: str) -> None:
    other = f"{versions}-copy"
    both.same("POST", f"{RM}/create", name=other)
    both.same("POST", f"{RM}/alias", name=versions, alias="prod", version="2")
    for source in (f"models:/{versions}/1", f"models:/{versions}@prod", f"models:/{versions}/latest"):
        both.same("POST", f"{MV}/create", name=other, source=source)
    both.same("POST", f"{MV}/create", name=f"{other}", source=f"models:/{other}/1")
    both.same("POST", f"{MV}/create", name=other, source=f"models:/{versions}/9")
    both.same("POST", f"{MV}/create", name=other, source=f"models:/{versions}/1", run_id="zzz")
    for number in "1234":
        both.same("GET", f"{MV}/get-download-uri", name=other, version=number)


def test_prompts_are_kept_beside_models(both: Both, name: str) -> None:
    prompt, is_prompt = f"prompt-{name}", {"key": "mlflow.prompt.is_prompt", "value": "true"}
    text = [
        is_prompt,
        {"key": "mlflow.prompt.text", "value": "Hi {{name}}"},
        {"key": "_mlflow_prompt_type", "value": "text"},
    ]
    both.same("POST", f"{RM}/create", name=prompt, tags=[is_prompt])
    both.same("POST", f"{RM}/create", name=prompt, tags=[is_prompt])
    both.same("POST", f"{RM}/create", name=prompt)
    both.same("POST", f"{MV}/create", name=prompt, source="dummy-source", tags=text)
    both.same("POST", f"{MV}/create", name=prompt, source=S3, tags=text)
    both.same("POST", f"{MV}/create", name=name, source=f"models:/{prompt}/1")
    for clause in (
        "",
        "tags.`mlflow.prompt.is_prompt` = 'true'",
        "tags.`mlflow.prompt.is_prompt` != 'false'",
        "tags.`mlflow.prompt.is_prompt` = 'false'",
        "tags.`mlflow.prompt.is_prompt` != 'true'",
    ):
        both_clauses = " AND ".join(filter(None, [f"name = '{prompt}'", clause]))
        both.same("GET", f"{RM}/search", filter=both_clauses)
        both.same("GET", f"{MV}/search", filter=both_clauses)
