"""A fleet of as many cities as asked for, made the way people and workers make one."""

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import pytest

from apps.accounts.models import Team, User
from apps.artifacts.actions import add_files, create_tree
from apps.registry.actions import (
    Claim,
    SegmentSpec,
    add_segments,
    approve,
    claim_evaluations,
    create_family,
    finish_evaluations,
    propose,
    register_version,
    request_evaluations,
    set_labelled_until,
    update_family,
)
from apps.registry.answers import Numbers
from apps.registry.models import Evaluation, ModelFamily, ModelVersion, Segment
from apps.registry.queries import newest_window

TRIO = ("significance", "enough_data", "no_leakage")
REGIONS = ("GA", "MA")
Names = Sequence[str]
Register = Callable[..., dict[str, ModelVersion]]
Measure = Callable[..., None]


def numbers(candidate: float, champion: float | None, *, rows: int = 90, days: int = 20) -> Numbers:
    """What an evaluator would have measured: a difference with an interval of ±0.5 minutes."""
    gain = None if champion is None else champion - candidate
    return Numbers(
        rows=rows,
        days=days,
        candidate_metric=candidate,
        champion_metric=champion,
        baseline_metric=7.0,
        difference=gain,
        lower=None if gain is None else gain - 0.5,
        upper=None if gain is None else gain + 0.5,
        daily=[
            {"day": f"2013-07-0{day}", "rows": 2, "candidate": 2 * candidate, "champion": champion and 2 * champion}
            for day in (1, 2, 3)
        ],
        data_digest="sha256:" + "0" * 64,
    )


@pytest.fixture
def family(admin: User, approver: User, team: Team) -> ModelFamily:
    """Trip ETA: tier 1, MAE in minutes, labels until the end of July 2013, fresh for 90 days; no city yet."""
    made = create_family(
        actor=admin, slug="eta-trip", name="Trip ETA", team=team, dimension="city", metric="mae", unit="min",
        tier=1, evaluator="eta", freshness_days=90,
    )  # fmt: skip
    made.gates.exclude(kind__in=TRIO).delete()
    return set_labelled_until(actor=approver, family=made, day=date(2013, 7, 31))


@pytest.fixture
def cities(admin: User, family: ModelFamily) -> Callable[[int], list[str]]:
    """Adds so many cities: city-0, city-1 …, in two regions; answers their slugs."""

    def add(count: int) -> list[str]:
        specs = [SegmentSpec(f"city-{n}", f"City {n}", REGIONS[n % 2], 33.6, -84.4) for n in range(count)]
        add_segments(actor=admin, family=family, segments=specs)
        return [spec.slug for spec in specs]

    return add


@pytest.fixture
def register(family: ModelFamily, owner: User, tmp_path: Path) -> Register:
    """A new version of each of these cities, by city."""

    def make(slugs: Names, **chosen: object) -> dict[str, ModelVersion]:
        file = tmp_path / "model.json"
        file.write_text("{}")
        return {slug: _registered(family, owner, slug, file, chosen) for slug in slugs}

    return make


def _registered(family: ModelFamily, owner: User, slug: str, file: Path, chosen: dict[str, object]) -> ModelVersion:
    tree = create_tree()
    add_files(tree=tree, files={"model.json": file})
    settings: dict[str, object] = {
        "run": None,
        "kind": "trained",
        "trained_from": date(2013, 1, 1),
        "trained_through": date(2013, 3, 31),
        "parameters": {"alpha": 1.0},
        "pipeline": "eta-ridge",
        "origin": None,
    }
    segment = Segment.objects.get(slug=slug)
    return register_version(actor=owner, family=family, segment=segment, tree=tree, **settings | chosen)  # type: ignore[arg-type]


@pytest.fixture
def ask(owner: User) -> Callable[..., list[Evaluation]]:
    """Asks for evaluations on the newest month and leaves them waiting."""

    def send(family: ModelFamily, versions: Sequence[ModelVersion]) -> list[Evaluation]:
        window = newest_window(ModelFamily.objects.get(pk=family.pk))
        assert window is not None
        return request_evaluations(
            actor=owner, family=family, candidates=versions, window_first=window.first, window_last=window.last
        )

    return send


@pytest.fixture
def measure(family: ModelFamily, ask: Callable[..., list[Evaluation]]) -> Measure:
    """Does what a worker does, with these metrics of the candidates and of their champions, where they have any."""

    def make(versions: Sequence[ModelVersion], mae: float, champion_mae: float = 9.0, **chosen: float) -> None:
        ask(family, versions)
        champions = {row.pk: row.champion_id for row in Evaluation.objects.all()}
        results = []
        while claims := claim_evaluations(limit=100, lease_seconds=15):
            results += [
                (Claim(row.pk, row.attempt), numbers(mae, champion_mae if champions[row.pk] else None, **chosen))  # type: ignore[arg-type]
                for row in claims
            ]
        finish_evaluations(results=results)

    return make


@pytest.fixture
def champions(
    family: ModelFamily, register: Register, measure: Measure, colleague: User, approver: User
) -> Callable[..., dict[str, ModelVersion]]:
    """Champions of these cities, trained through March, whose error on July is `mae` (the plain baseline has 7)."""

    def make(slugs: Names, mae: float = 9.0) -> dict[str, ModelVersion]:
        versions = register(slugs)
        measure(list(versions.values()), mae)
        wave = propose(actor=colleague, family=family, versions=list(versions.values()), reason="first ones")
        approve(actor=approver, wave=wave, digest=wave.digest)
        return versions

    return make


@pytest.fixture
def candidates(register: Register, measure: Measure) -> Callable[..., dict[str, ModelVersion]]:
    """Newer versions of these cities, trained through June, evaluated against champions that have 9 minutes."""

    def make(slugs: Names, mae: float = 6.0, **chosen: float) -> dict[str, ModelVersion]:
        versions = register(slugs, trained_from=date(2013, 4, 1), trained_through=date(2013, 6, 30))
        measure(list(versions.values()), mae, **chosen)
        return versions

    return make


@pytest.fixture
def restricted(family: ModelFamily, approver: User) -> ModelFamily:
    return update_family(actor=approver, family=family, visibility="teams")
