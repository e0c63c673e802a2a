"""A baseline is a version too: registered, evaluated, and promoted where nothing beats it."""

import pytest

from apps.accounts.models import User
from apps.core.errors import Denied, Invalid
from apps.registry.actions import approve, propose, register_baseline
from apps.registry.models import Alias, ModelFamily, ModelVersion, Segment
from tests.conftest import api
from tests.registry.conftest import Evaluate

MEDIAN = "median-of-3-months"


def test_members_make_a_baseline_a_version_once(
    family: ModelFamily, owner: User, stranger: User, operator: User, atlanta: Segment, boston: Segment
) -> None:
    for person in (stranger, operator):
        with pytest.raises(Denied):
            register_baseline(actor=person, family=family, name=MEDIAN, segments=[atlanta])
    (first,) = register_baseline(actor=owner, family=family, name=MEDIAN, segments=[atlanta])
    both = register_baseline(actor=owner, family=family, name=MEDIAN, segments=[boston, atlanta])
    assert (both[1], both[0].model.name) == (first, "eta-trip.boston")
    assert (first.kind, first.status, first.formats) == ("baseline", "READY", {"baseline.json": "json"})
    assert ModelVersion.objects.count() == 2


@pytest.mark.parametrize("name", ["luck", ""])
def test_only_what_the_evaluator_computes_is_a_baseline(
    family: ModelFamily, owner: User, atlanta: Segment, name: str
) -> None:
    with pytest.raises(Invalid, match="computes no baseline"):
        register_baseline(actor=owner, family=family, name=name, segments=[atlanta])


def test_a_baseline_can_be_champion(
    family: ModelFamily, colleague: User, owner: User, approver: User, evaluate: Evaluate, atlanta: Segment
) -> None:
    (baseline,) = register_baseline(actor=owner, family=family, name=MEDIAN, segments=[atlanta])
    evaluate(baseline)
    wave = propose(actor=colleague, family=family, versions=[baseline], reason="Nothing beats it.")
    approve(actor=approver, wave=wave, digest=wave.digest)
    assert Alias.objects.get(model=baseline.model, name="champion").version == baseline


def test_baselines_are_registered_over_the_api(family: ModelFamily, owner: User, stranger: User) -> None:
    address = "/api/v1/families/eta-trip/baselines/"
    body = {"name": MEDIAN, "segments": ["atlanta", "boston"]}
    made = api(owner).post(address, body, format="json")
    assert (made.status_code, [one["kind"] for one in made.json()]) == (201, ["baseline", "baseline"])
    assert api(stranger).post(address, body, format="json").status_code == 403
    assert api(owner, scope=["read"]).post(address, body, format="json").status_code == 403
    assert api(owner).post(address, body | {"segments": ["atlantis"]}, format="json").status_code == 404
    assert api(owner).post(address, body | {"name": "luck"}, format="json").status_code == 400
