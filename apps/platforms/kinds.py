"""The kinds of connection: what each is for, and how it is tested."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from apps.platforms.mlflow_probe import probe
from apps.platforms.probing import Finding


@dataclass(frozen=True)
class Kind:
    """`probe` takes the address and the credential, and answers what it found; it never raises."""

    label: str
    use: str
    probe: Callable[[str, str], Finding]


KINDS = {
    "mlflow": Kind(
        label="MLflow server",
        use="Versions whose files lie there can be registered here, and its registry can be brought over.",
        probe=probe,
    )
}
