"""A family with two cities, and versions made the way training makes them."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from apps.accounts.models import Team, User
from apps.artifacts.actions import add_files, create_tree
from apps.registry.actions import SegmentSpec, add_segments, create_family, register_version, set_labelled_until
from apps.registry.models import ModelFamily, ModelVersion, Segment

MakeVersion = Callable[..., ModelVersion]


@pytest.fixture
def family(admin: User, approver: User, team: Team) -> ModelFamily:
    """Tier 1: a promotion needs one approval. Labels until the end of July 2013."""
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
    return set_labelled_until(actor=approver, family=made, day=date(2013, 7, 31))


@pytest.fixture
def atlanta(family: ModelFamily) -> Segment:
    return Segment.objects.get(slug="atlanta")


@pytest.fixture
def boston(family: ModelFamily) -> Segment:
    return Segment.objects.get(slug="boston")


@pytest.fixture
def make_version(family: ModelFamily, owner: User, tmp_path: Path) -> MakeVersion:
    """Registers a version of a segment; its file says `content`."""

    def make(segment: Segment, *, actor: User = owner, content: str = "{}", **chosen: object) -> ModelVersion:
        file = tmp_path / "model.json"
        file.write_text(content)
        tree = create_tree()
        add_files(tree=tree, files={"model.json": file})
        settings = {
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
