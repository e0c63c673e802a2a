"""What differs on purpose still does: MLflow may have mended its side, and then the entry goes."""

import pytest

from tests.parity.compared import Both
from tests.parity.differences import DIFFERENCES, MODEL, S3, Difference


@pytest.fixture(scope="module")
def stocked(both: Both) -> Both:
    both.ask("POST", "registered-models/create", name=MODEL)
    for _ in range(2):
        both.ask("POST", "model-versions/create", name=MODEL, source=S3)
    return both


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda difference: difference.name)
def test_a_difference_on_purpose_still_occurs(stocked: Both, difference: Difference) -> None:
    theirs, ours = stocked.ask(difference.method, difference.path, **difference.sent)
    assert (theirs.status, theirs.error) == difference.theirs, difference.reason
    assert (ours.status, ours.error) == difference.ours, difference.reason


def test_the_portal_says_who_made_a_version_and_mlflow_does_not(stocked: Both) -> None:
    theirs, ours = stocked.ask("GET", "model-versions/get", name=MODEL, version="1")
    assert "user_id" not in theirs.body["model_version"]
    assert ours.body["model_version"]["user_id"] == "parity"
