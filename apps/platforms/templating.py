"""Addresses outside with places to fill, such as https://airflow.example.org/dags/{workflow}/runs/{outside_run}.

A value can change neither the scheme nor the host of a template, and none of its other parts: it is percent-encoded.
"""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter
from urllib.parse import quote, urlsplit

from apps.core.errors import Invalid

LONGEST_TEMPLATE = 1_000
VARIABLES = {
    "team": "the team's short name",
    "family": "the model family's short name",
    "segment": "the segment, such as the city",
    "model": "the registered model's name",
    "version": "the version's number",
    "digest": "the sha256 of the version's files",
    "source": "where the version says that its files came from, such as s3://models/eta",
    "bucket": "the bucket of a source on S3",
    "key": "the path in that bucket",
    "data": "where the first data set of a run lies, such as s3://lake/trips",
    "data_bucket": "the bucket of such a data set on S3",
    "data_key": "the path in that bucket",
    "commit": "the code's commit, as the version or its run says",
    "experiment": "the experiment's number",
    "experiment_name": "the experiment's name",
    "run": "the run's id, also of one that was brought over from an MLflow server",
    "request": "the retraining request's number",
    "segment_run": "the segment run's number",
    "pipeline": "the pipeline's short name",
    "workflow": "what the platform calls the pipeline, such as the DAG's id",
    "outside_run": "what the platform calls its run, such as the DAG run's id",
}
"""What a template may name, each with what it stands for. A page fills in those that it knows."""
STEPS = (".", "..")  # a browser takes such a part of an address as a way up


def check_template(text: str) -> str:
    """The template as it is kept. Raises Invalid for whatever would not be a plain address of the web."""
    text = text.strip()
    if not text.isascii() or not text.isprintable() or " " in text or len(text) > LONGEST_TEMPLATE:
        said = f"A template is one line of at most {LONGEST_TEMPLATE} characters, without spaces or umlauts."
        raise Invalid(said, field="template")
    unknown = sorted(set(variables(text)) - VARIABLES.keys())
    if unknown:
        said = f"There is no {{{unknown[0][:40]}}} to fill in: choose from {', '.join(VARIABLES)}."
        raise Invalid(said, field="template")
    try:
        parts = urlsplit(text)
        plain = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        plain = False
    if not plain or "{" in parts.netloc:
        said = "A template begins with https://, or http://, and a host, which can not be filled in."
        raise Invalid(said, field="template")
    return text


def variables(template: str) -> list[str]:
    """The names in it. Raises Invalid for braces that name nothing."""
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        raise Invalid("A brace stands alone: write {segment}, or %7B for a brace.", field="template") from error
    if any(name == "" or form or conversion for _, name, form, conversion in parts):
        raise Invalid("Between braces stands a name and nothing else, such as {segment}.", field="template")
    return [name for _, name, _, _ in parts if name is not None]


def filled(template: str, values: Mapping[str, object]) -> str:
    """The address, or "" where a value that it needs is missing."""
    wanted = {name: str(values.get(name) or "") for name in variables(template)}
    if any(not value or value in STEPS for value in wanted.values()):
        return ""
    return template.format_map({name: quote(value, safe="") for name, value in wanted.items()})


def place_in_bucket(address: str) -> dict[str, str]:
    """`bucket` and `key` of an address on S3; nothing of any other."""
    scheme, _, rest = address.partition("://")
    bucket, _, key = rest.partition("/")
    return {"bucket": bucket, "key": key} if scheme in ("s3", "s3a", "gs") and bucket else {}
