"""The kinds of connection: what each is for, how it is tested, and whether work can be handed over there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from apps.platforms import mlflow_probe, own
from apps.platforms.airflow import airflow
from apps.platforms.airflow import probe as airflow_probe
from apps.platforms.base import Platform
from apps.platforms.outgoing import Unreachable
from apps.platforms.probing import Finding, Trouble
from apps.platforms.s3 import probe as s3_probe


@dataclass(frozen=True)
class Kind:
    """`probe` takes the address and the credential, and answers what it found; it never raises.

    `platform` takes the same two, where segment runs can be handed over. `check` says what is wrong with them before
    they are kept, in a sentence.
    """

    label: str
    use: str
    probe: Callable[[str, str], Finding]
    platform: Callable[[str, str], Platform] | None = None
    check: Callable[[str, str], str] = lambda address, secret: ""


KINDS = {
    "mlflow": Kind(
        label="MLflow server",
        use="Versions whose files lie there can be registered here, and its registry can be brought over.",
        probe=mlflow_probe.probe,
    ),
    "airflow": Kind(
        label="Airflow",
        use="Its DAGs can be made pipelines: the portal triggers them, city by city, and follows each run.",
        probe=airflow_probe.probe,
        platform=airflow,
    ),
    "s3": Kind(
        label="S3 bucket",
        use="Data below its prefix that runs and versions name can be downloaded by whoever may see those.",
        probe=s3_probe.probe,
        check=s3_probe.check,
    ),
}
OURS = frozenset(KINDS)
PROBLEMS: dict[str, str] = {}
"""A sentence for each platform of an installed package that could not be loaded, by the name of its kind."""


def load_own() -> None:
    """Called once at start: the platforms that installed packages bring."""
    found = own.load(OURS)
    KINDS.update({name: _own_kind(made) for name, made in found.classes.items()})
    PROBLEMS.update(found.problems)


def kind_of(name: str) -> Kind:
    """The kind of a connection; one whose package is gone says so to whoever asks it for anything."""
    return KINDS.get(name) or _gone(name)


def _own_kind(made: type[own.OwnPlatform]) -> Kind:
    return Kind(made.label, made.use, own.probe_with(made), own.platform_with(made))


def _gone(name: str) -> Kind:
    said = PROBLEMS.get(name) or f"No installed package brings the kind {name!r}: install it beside the portal again."

    def platform(address: str, secret: str) -> Platform:
        raise Unreachable(said)

    return Kind(name, said, lambda address, secret: Finding(Trouble.VERSION, said), platform)
