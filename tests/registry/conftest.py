"""A family with two cities, and versions made the way training makes them."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

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
)
from apps.registry.answers import Numbers
from apps.registry.models import Evaluation, ModelFamily, ModelVersion, Segment
from apps.registry.queries import newest_window

TRIO = ("significance", "enough_data", "no_leakage")
MakeVersion = Callable[..., ModelVersion]


@pytest.fixture
def family(admin: User, approver: User, team: Team) -> ModelFamily:
    """Tier 1: a promotion needs one approval. Three gates. Labels until the end of July 2013."""
    made = create_family(
        actor=admin,
        slug="eta-trip",
        name="Trip ETA",
        team=team,
        dimension="city",
        metric="mae",
        unit="min",
        tier=1,
        evaluator="eta",
    )
    cities = [SegmentSpec("atlanta", "Atlanta", "GA", 33.6, -84.4), SegmentSpec("boston", "Boston", "MA", 42.4, -71.0)]
    add_segments(actor=admin, family=made, segments=cities)
    made.gates.exclude(kind__in=TRIO).delete()
    return set_labelled_until(actor=approver, family=made, day=date(2013, 7, 31))


@pytest.fixture
def atlanta(family: ModelFamily) -> Segment:
    return Segment.objects.get(slug="atlanta")


@pytest.fixture
def boston(family: ModelFamily) -> Segment:
    return Segment.objects.get(slug="boston")


@pytest.fixture
def make_version(family: ModelFamily, owner: User, tmp_path: Path) -> MakeVersion:
    """Registers a version of a segment; its file says `content`, and `files` are others beside it."""

    def make(
        segment: Segment,
        *,
        actor: User = owner,
        content: str = "{}",
        files: dict[str, str] | None = None,
        **chosen: Any,
    ) -> ModelVersion:
        texts = {"model.json": content} | (files or {})
        for path, text in texts.items():
            (tmp_path / path).write_text(text)
        tree = create_tree()
        add_files(tree=tree, files={path: tmp_path / path for path in texts})
        settings: dict[str, Any] = {
            "run": None,
            "kind": "trained",
            "trained_from": date(2013, 4, 1),
            "trained_through": date(2013, 6, 30),
            "parameters": {"alpha": 1.0},
            "pipeline": "eta-ridge",
            "origin": None,
        }
        return register_version(actor=actor, family=family, segment=segment, tree=tree, **settings | chosen)

    return make


Evaluate = Callable[..., list[Evaluation]]
WORKER = {"limit": 100, "lease_seconds": 15}


def numbers(candidate: float, champion: float | None, *, rows: int = 90, days: int = 20) -> Numbers:
    """What an evaluator would have measured: a difference with an interval of ±0.5 minutes."""
    gain = None if champion is None else champion - candidate
    return Numbers(
        rows=rows,
        days=days,
        candidate_metric=candidate,
        champion_metric=champion,
        baseline_metric=9.0,
        difference=gain,
        lower=None if gain is None else gain - 0.5,
        upper=None if gain is None else gain + 0.5,
        daily=[{"day": "2013-07-01", "rows": rows, "candidate": candidate * rows}],
        data_digest="sha256:" + "0" * 64,
    )


@pytest.fixture
def evaluate(family: ModelFamily, owner: User) -> Evaluate:
    """Does what a worker does, with these metrics: of the candidates, and of the champions where there are any."""

    def make(*candidates: ModelVersion, mae: float = 6.0, champion_mae: float = 9.0, **chosen: int) -> list[Evaluation]:
        window = newest_window(ModelFamily.objects.get(pk=family.pk))
        assert window is not None
        asked = request_evaluations(
            actor=owner, family=family, candidates=candidates, window_first=window.first, window_last=window.last
        )
        results = [
            (Claim(row.pk, row.attempt), numbers(mae, champion_mae if row.champion else None, **chosen))
            for row in claim_evaluations(**WORKER)
        ]
        finish_evaluations(results=results)
        return list(Evaluation.objects.filter(pk__in=[row.pk for row in asked]))

    return make


@pytest.fixture
def make_champion(
    family: ModelFamily, make_version: MakeVersion, evaluate: Evaluate, colleague: User, approver: User
) -> MakeVersion:
    """A version that went the whole way: evaluated, proposed by a colleague, approved by the lead."""

    def make(segment: Segment, **chosen: Any) -> ModelVersion:
        version = make_version(segment, **chosen)
        evaluate(version)
        wave = propose(actor=colleague, family=family, versions=[version], reason="first one")
        approve(actor=approver, wave=wave, digest=wave.digest)
        return version

    return make
