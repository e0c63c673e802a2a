"""Values that cross from the doors to the actions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Point:
    """One value of a metric; with `model`, also about that logged model, on the data set that is named."""

    key: str
    value: float
    at: datetime
    step: int = 0
    model: str = ""
    dataset_name: str = ""
    dataset_digest: str = ""


@dataclass(frozen=True)
class UsedDataset:
    """A data set as training code names it, and what it was used for."""

    name: str
    digest: str
    source_type: str
    source: str
    schema: str = ""
    profile: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
