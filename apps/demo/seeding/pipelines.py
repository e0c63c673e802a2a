"""The demo's pipelines: which script, which form, which limits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apps.demo.seeding.company import People
from apps.retraining import actions, queries
from apps.retraining.definitions import Definition

if TYPE_CHECKING:
    from apps.registry.models import ModelFamily

SCRIPTS = Path(__file__).parents[1] / "pipelines"
LINEAR = ("pandas", "sklearn.compose", "sklearn.linear_model", "sklearn.pipeline", "sklearn.preprocessing")
RANKING = (*LINEAR, "sklearn.metrics")
BOOSTING = (*LINEAR, "sklearn.ensemble", "skops.io", "threadpoolctl")
WINDOW = {"as_of": "as_of", "months": "window_months"}
MONTHLY = {"April's first": {"as_of": "2013-04-01"}, "July's first": {"as_of": "2013-07-01"}}

Presets = Mapping[str, Mapping[str, Any]]


def define(people: People, families: Mapping[str, ModelFamily]) -> None:
    """Those that are not there yet; what an admin has changed since stays changed."""
    known = set(queries.pipelines(people.admin).values_list("slug", flat=True))
    for slug, (served, definition) in _definitions().items():
        if slug not in known:
            family = families[served]
            actions.define_pipeline(
                actor=people.admin, slug=slug, team=family.team, families=[family], definition=definition
            )


def _definitions() -> dict[str, tuple[str, Definition]]:
    """By slug: the family that it trains, and what it is."""
    return {
        "eta-ridge": (
            "eta-trip",
            _definition(
                "eta-ridge",
                "Ridge per destination",
                "A linear model for each destination; trains in milliseconds.",
                LINEAR,
                MONTHLY | {"The last half year": {"window_months": 6}, "Cautious": {"alpha": 10.0}},
            ),
        ),
        "eta-boosting": (
            "eta-trip",
            _definition(
                "eta-boosting",
                "Boosted trees per destination",
                "Gradient boosting for each destination; finds what is not linear, where there are rows enough.",
                BOOSTING,
                MONTHLY | {"Many small steps": {"max_iter": 300, "learning_rate": 0.03}},
            ),
        ),
        "eta-descent": (
            "eta-trip",
            _definition(
                "eta-descent",
                "Gradient descent, logged with MLflow",
                "A plain MLflow script: its loss is on the run's page while it trains.",
                ("pandas",),  # not MLflow: it starts threads when it is imported, and the warm parent forks
                MONTHLY | {"Watch it longer": {"epochs": 300}},
            ),
        ),
        "bootstrap-interval": (
            "eta-trip",
            _definition(
                "bootstrap-interval",
                "Boosted trees with an interval",
                "The long one: fits each destination hundreds of times, to say how sure its error is. To watch and "
                "to cancel.",
                BOOSTING,
                {"A quick look": {"n": 100}, "For the report": {"n": 5000, "level": 0.95}},
                seconds=3_600,
                max_concurrent=2,
            ),
        ),
        "fail-on-purpose": (
            "eta-trip",
            _definition(
                "fail-on-purpose",
                "Fail on purpose",
                "For drills: a script that crashes, hangs, eats memory or lies about itself.",
                (),
                {"Cancel me": {"mode": "exception", "seconds": 300}, "A forger": {"mode": "zero-mae"}},
                window={},
            ),
        ),
        "demand-ridge": (
            "daily-demand",
            _definition(
                "demand-ridge",
                "Ridge on the days before",
                "Tomorrow's flights from yesterday's, last week's, the weekday and the weather.",
                LINEAR,
                MONTHLY | {"Weeks only": {"lags": [7, 14, 21, 28]}, "Without weather": {"weather": False}},
                data="demand",
            ),
        ),
        "late-risk-logit": (
            "late-arrivals",
            _definition(
                "late-risk-logit",
                "Logistic regression per destination",
                "Ranks flights by their risk to be more than 15 minutes late, hours before departure.",
                RANKING,
                MONTHLY | {"Warn more often": {"class_weight": "balanced", "threshold": 0.4}},
            ),
        ),
    }


def _definition(
    slug: str,
    name: str,
    description: str,
    preload: tuple[str, ...],
    presets: Presets,
    *,
    data: str = "lake",
    window: Mapping[str, str] = WINDOW,
    seconds: int = 120,
    max_concurrent: int = 50,
) -> Definition:
    return Definition(
        name=name,
        description=description,
        script=f"{slug.replace('-', '_')}.py",
        schema=json.loads((SCRIPTS / f"{slug}.schema.json").read_text()),
        data=data,
        preload=preload,
        presets=presets,
        window=window,
        seconds=seconds,
        memory_mb=1024,
        max_concurrent=max_concurrent,
    )
