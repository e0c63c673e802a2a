"""Several press the same button at the same moment, each with the row in hand as it was before.

Where nothing is locked first, only the compare-and-set of `move` stands between them: without it all of them succeed.
"""

from collections.abc import Callable

import pytest
from django.utils import timezone
from pytest_django import Settings

from apps.accounts.models import PortalRole, Team, User
from apps.audit.models import AuditEvent
from apps.catalog import actions as catalog
from apps.catalog.models import ToolRequest
from apps.core.errors import Conflict
from apps.notifications import actions as notifications
from apps.notifications.carriers import Outcome
from apps.notifications.models import Attempt, Delivery
from tests.factories import give
from tests.threads import together

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]
PEOPLE = 8
Press = Callable[[], object]


@pytest.fixture
def wished(owner: User, admin: User, team: Team) -> ToolRequest:
    give(admin, PortalRole.Role.CATALOG_EDITOR)
    facts = catalog.CapabilityFacts(name="Orchestration", stage="ship", need="Retrain on time.")
    need = catalog.add_capability(actor=admin, slug="orchestration", facts=facts)
    wish = catalog.Wish(
        name="Luigi", capability=need, need="Retrain.", why_not_existing="None does.", team=team, people=3
    )
    return catalog.request_tool(actor=owner, wish=wish)


@pytest.fixture
def claimed(admin: User, settings: Settings) -> notifications.Claimed:
    """A delivery that a worker has just taken."""
    settings.WEBHOOK_SCHEMES, settings.WEBHOOK_PRIVATE_NETWORKS = ["http"], ["127.0.0.0/8"]
    webhook = notifications.create_webhook(
        actor=admin, name="ci", url="http://127.0.0.1:9/", events=["model_version.created"]
    )
    Delivery.objects.create(
        event=AuditEvent.objects.latest("id"),
        destination=f"webhook:{webhook.pk}",
        webhook=webhook,
        next_at=timezone.now(),
        tries_left=5,
    )
    claim = notifications.claim_delivery()
    assert claim is not None
    return claim


def assert_one_of(presses: list[Press]) -> None:
    """One succeeds, and everybody else is told that it was somebody else."""
    refusals = together(*presses)
    assert refusals.count(None) == 1, refusals
    assert {type(refusal) for refusal in refusals if refusal} <= {Conflict}


def told(action: str) -> int:
    return AuditEvent.objects.filter(action=action).count()


def test_a_request_for_a_tool_is_withdrawn_once(wished: ToolRequest, owner: User) -> None:
    def press(mine: ToolRequest) -> Press:
        return lambda: catalog.withdraw_request(actor=owner, request=mine, reason="Not needed.")

    assert_one_of([press(ToolRequest.objects.get()) for _ in range(PEOPLE)])
    assert told("catalog.request_withdrawn") == 1


def test_a_result_that_two_workers_hand_in_counts_once_and_is_sent_again_once(
    claimed: notifications.Claimed, admin: User
) -> None:
    def hand_in(status: int) -> Press:
        mine = notifications.Claimed(Delivery.objects.get(), claimed.attempt)
        outcome = Outcome(problem=f"It answered {status}.", final=True, status=status)
        return lambda: notifications.finish_delivery(claimed=mine, outcome=outcome, seconds=0.1)

    def press(mine: Delivery) -> Press:
        return lambda: notifications.send_again(actor=admin, delivery=mine)

    assert_one_of([hand_in(400 + number) for number in range(PEOPLE)])
    assert Attempt.objects.count() == 1
    assert_one_of([press(Delivery.objects.select_related("webhook").get()) for _ in range(PEOPLE)])
    assert told("notifications.sent_again") == 1


def test_whoever_lost_a_delivery_hands_in_nothing_of_the_try_that_took_over(claimed: notifications.Claimed) -> None:
    """The number of the try is the fence: both workers see the delivery as being sent."""
    Delivery.objects.update(lease_until=timezone.now())
    assert notifications.take_back() == 1
    again = notifications.claim_delivery()
    assert again is not None
    with pytest.raises(Conflict):
        notifications.finish_delivery(claimed=claimed, outcome=Outcome(status=200), seconds=60)
    notifications.finish_delivery(claimed=again, outcome=Outcome(problem="No.", final=True, status=404), seconds=1)
    assert Delivery.objects.get().status == "failed"
