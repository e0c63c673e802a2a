"""Whoever doubts a bound computes it again, from the errors by day that are kept."""

import pytest

from apps.accounts.models import User
from apps.registry.actions import Claim, claim_evaluations, finish_evaluations, request_evaluations, update_family
from apps.registry.answers import numbers_from
from apps.registry.models import ModelFamily, Segment
from tests.conftest import api
from tests.registry.conftest import WORKER, Evaluate, MakeVersion
from tests.registry.test_evaluations import JULY


def test_the_errors_by_day_are_told_and_everything_is_computed_from_them_again(
    make_version: MakeVersion, family: ModelFamily, owner: User, stranger: User, approver: User, atlanta: Segment
) -> None:
    known = ("median-of-3-months", "m")  # PostgreSQL keeps the shorter one first
    sums = {known[0]: 14.0, known[1]: 11.0}
    month = [{"day": f"2013-07-{n:02}", "rows": 2, "candidate": 8.0 + n % 3, "baselines": sums} for n in range(1, 13)]
    request_evaluations(actor=owner, family=family, candidates=[make_version(atlanta)], **JULY)
    (row,) = claim_evaluations(**WORKER)
    address = f"/api/v1/evaluations/{row.pk}/daily/"
    assert api(owner).get(address).status_code == 409
    measured = numbers_from(month, against=False, direction="lower", digest="sha256:0", baselines=known)
    assert measured.baseline_metric == 7.0
    finish_evaluations(results=[(Claim(row.pk, row.attempt), measured)])
    told = api(stranger).get(address).json()
    assert (told["agrees"], len(told["daily"]), told["recomputed"]["lower"]) == (True, 12, None)
    assert told["baselines"]["m"]["difference"] == pytest.approx(1.0)
    assert told["baselines"]["m"] == api(owner).get(f"/api/v1/evaluations/{row.pk}/").json()["baselines"]["m"]
    update_family(actor=approver, family=family, visibility="teams")
    assert api(stranger).get(address).status_code == 404


def test_numbers_that_do_not_come_out_again_are_told(
    make_version: MakeVersion, evaluate: Evaluate, owner: User, atlanta: Segment
) -> None:
    (stored,) = evaluate(make_version(atlanta), mae=6.0, days=20)
    assert not api(owner).get(f"/api/v1/evaluations/{stored.pk}/daily/").json()["agrees"]
