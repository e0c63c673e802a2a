"""The family Trip ETA: its destinations, pipelines, and champions really trained on January to March."""

from __future__ import annotations

import json
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

from apps.accounts.queries import team
from apps.core.errors import Missing
from apps.demo import lake
from apps.demo.seeding.company import People
from apps.registry import actions as registry
from apps.registry import evaluating
from apps.registry import queries as registry_queries
from apps.registry.gates import GateSpec
from apps.retraining import actions as retraining
from apps.retraining import queries as retraining_queries
from apps.retraining import training
from apps.retraining.definitions import Definition

if TYPE_CHECKING:
    from apps.registry.models import ModelFamily
    from apps.retraining.models import RetrainingRequest

FAMILY = "eta-trip"
SCRIPTS = Path(__file__).parents[1] / "pipelines"
FIRST_LABELS, LABELS = date(2013, 4, 30), date(2013, 7, 31)
"""The champions were promoted on April; the demo opens when July's labels are in, and July is another season."""

RIDGE = ("pandas", "sklearn.compose", "sklearn.linear_model", "sklearn.pipeline", "sklearn.preprocessing")
BOOSTING = (*RIDGE, "sklearn.ensemble", "skops.io", "threadpoolctl")
WINDOW = {"as_of": "as_of", "months": "window_months"}
MARGIN = 0.1
"""Required gain in minutes, about 1 % of a champion's error: keeps merely re-drawn models at 5 to 6 %."""


def seed(people: People) -> None:
    """Does what is not done yet; a seed that was interrupted goes on where it stopped."""
    family = _family(people)
    _define_pipelines(people, family)
    if family.labelled_until is None or family.labelled_until < LABELS:
        _train_champions(people, family)
        family = reveal(people, family, LABELS)
    look_again(people, family)


def reveal(people: People, family: ModelFamily, until: date) -> ModelFamily:
    """More labelled trips arrive."""
    lake.reveal(lake_folder(), until)
    return registry.set_labelled_until(actor=people.lead, family=family, day=until)


def look_again(people: People, family: ModelFamily) -> None:
    """How the champions do on the newest month; asking twice evaluates once."""
    window = registry_queries.newest_window(family)
    champions = [row.champion.id for row in registry_queries.fleet(family) if row.champion]
    if window and champions:
        registry.request_evaluations(
            actor=people.scientist,
            family=family,
            candidates=registry_queries.versions_by_id(actor=people.scientist, ids=champions),
            window_first=window.first,
            window_last=window.last,
        )
        _evaluate()


def lake_folder() -> Path:
    return Path(settings.PIPELINES_DATA) / "lake"


def _family(people: People) -> ModelFamily:
    try:
        return registry_queries.family(actor=people.admin, slug=FAMILY)
    except Missing:
        return _found(people)


def _found(people: People) -> ModelFamily:
    family = registry.create_family(
        actor=people.admin,
        slug=FAMILY,
        name="Trip ETA",
        description="Minutes in the air to each destination. The trips are real flights from New York in 2013.",
        team=team(slug="rides-eta"),
        dimension="destination",
        tier=1,
        metric="mae",
        unit="min",
        direction="lower",
        evaluator="eta",
        freshness_days=92,
    )
    specs = [
        registry.SegmentSpec(row.slug, row.city, row.region, row.latitude, row.longitude) for row in lake.destinations()
    ]
    registry.add_segments(actor=people.admin, family=family, segments=specs)
    _require_margin(people, family)
    return family


def _require_margin(people: People, family: ModelFamily) -> None:
    gates = [
        GateSpec("significance", {"margin": MARGIN}),
        GateSpec("enough_data", {"rows": 30, "days": 10}),
        GateSpec("no_leakage", {}),
    ]
    registry.set_gates(actor=people.lead, family=family, gates=gates)


def _define_pipelines(people: People, family: ModelFamily) -> None:
    known = set(retraining_queries.pipelines(people.admin).values_list("slug", flat=True))
    for slug, definition in _definitions().items():
        if slug not in known:
            retraining.define_pipeline(
                actor=people.admin, slug=slug, team=family.team, families=[family], definition=definition
            )


def _definitions() -> dict[str, Definition]:
    ridge = "A linear model for each destination; trains in milliseconds."
    boosting = "Gradient boosting for each destination; finds what is not linear, where there are rows enough."
    failing = "For drills: a script that crashes, hangs, eats memory or lies about itself."
    return {
        "eta-ridge": _definition("eta-ridge", "Ridge per destination", ridge, RIDGE, WINDOW),
        "eta-boosting": _definition("eta-boosting", "Boosted trees per destination", boosting, BOOSTING, WINDOW),
        "fail-on-purpose": _definition("fail-on-purpose", "Fail on purpose", failing, (), {}),
    }


def _definition(slug: str, name: str, description: str, preload: tuple[str, ...], window: dict[str, str]) -> Definition:
    return Definition(
        name=name,
        description=description,
        script=f"{slug.replace('-', '_')}.py",
        schema=json.loads((SCRIPTS / f"{slug}.schema.json").read_text()),
        data="lake",
        preload=preload,
        window=window,
        seconds=120,
        memory_mb=1024,
    )


def _train_champions(people: People, family: ModelFamily) -> None:
    """The first champions, by the way that everybody goes: request, evaluation, wave, a lead's approval."""
    family = reveal(people, family, FIRST_LABELS)
    request = retraining.submit_request(
        actor=people.scientist,
        pipeline=retraining_queries.pipeline(actor=people.scientist, slug="eta-ridge"),
        family=family,
        parameters={"as_of": "2013-04-01"},
        reason="First champions: January to March.",
        key="demo-first-champions",
    )
    _work_off(request)
    _evaluate()
    _promote(people, family, request)


def _work_off(request: RetrainingRequest) -> None:
    """What the workers do, here: the demo is seeded before they start."""
    while request.is_open:
        retraining.drive(request_id=request.pk)
        for run_id in retraining_queries.runs_of(request).filter(status="sent").values_list("pk", flat=True):
            training.train(run_id, worker="seed")
        time.sleep(0.05)
        request.refresh_from_db()
    retraining.follow_up(request_id=request.pk)


def _evaluate() -> None:
    while evaluating.evaluate_batch():
        pass


def _promote(people: People, family: ModelFamily, request: RetrainingRequest) -> None:
    runs = retraining_queries.runs_of(request).filter(status="succeeded")
    wave = registry.propose(
        actor=people.scientist,
        family=family,
        versions=[run.version for run in runs if run.version],
        reason="First champions: January to March.",
        key="demo-first-champions",
    )
    if wave.status == wave.Status.PROPOSED:
        registry.approve(actor=people.lead, wave=wave, digest=wave.digest, note="Nothing serves yet.")
