"""A family goes to another team while its segments are being retrained."""

from pathlib import Path

import pytest

from apps.accounts.models import Membership, Team, User
from apps.core.errors import Denied
from apps.registry.actions import hand_over
from apps.registry.models import ModelFamily, ModelVersion
from apps.retraining import actions
from tests.factories import UserFactory, put_into
from tests.retraining.conftest import Submit, claim_of, run_of, success

pytestmark = pytest.mark.django_db


def test_its_request_belongs_to_the_new_team_and_the_old_one_registers_nothing_more(
    submit: Submit, owner: User, approver: User, admin: User, other_team: Team, family: ModelFamily, tmp_path: Path
) -> None:
    """What was registered stays. What runs ends without a version, and says why; the new team asks again itself."""
    new_lead = put_into(other_team, UserFactory.create(), Membership.Role.LEAD)
    request = submit()
    actions.finish(claim=claim_of(request, "atlanta"), outcome=success(tmp_path))
    running = claim_of(request, "boston")
    hand_over(actor=admin, family=family, team=other_team, reason="Rides ETA is dissolved.")

    assert actions.finish(claim=running, outcome=success(tmp_path))
    late = run_of(request, "boston")
    assert (late.status, late.version) == ("failed", None)
    assert "Only members of the team" in late.reason
    assert ModelVersion.objects.get().model.boundary.team == other_team.slug

    request.refresh_from_db()
    with pytest.raises(Denied, match="a lead of the family's team"):
        actions.cancel_request(actor=approver, request=request)
    actions.cancel_runs(actor=owner, request=request, segments=["chicago"])
    actions.cancel_request(actor=new_lead, request=request)
    actions.drive(request_id=request.pk)
    request.refresh_from_db()
    assert request.status == "cancelled"
    family.refresh_from_db()
    with pytest.raises(Denied):
        submit("boston")
    again = actions.submit_request(
        actor=new_lead, pipeline=request.pipeline, family=family, parameters={}, segments=["boston"]
    )
    assert actions.finish(claim=claim_of(again, "boston"), outcome=success(tmp_path))
    assert run_of(again, "boston").status == "succeeded"
