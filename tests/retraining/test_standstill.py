"""What is said of an open request that does not go faster; and that nothing is said of one that simply runs."""

from typing import Any

import pytest

from apps.retraining.standstill import Standing, why_it_waits

PLACES: dict[str, Any] = {"slots": 2, "in_use": 2, "pipeline": "ETA ridge", "team": "Rides"}


@pytest.mark.parametrize(
    ("standing", "sentences"),
    [
        ({"running": 2}, []),
        ({"running": 2, "ready": 3}, []),
        ({"stopping": True, "running": 2, "sent": 4}, ["Stopping: 2 runs are being ended."]),
        ({"ready": 3, "slots": 0}, ["No worker that trains is alive."]),
        ({"ready": 3, "held_because": "It broke five times."}, ["Held: It broke five times."]),
        ({"ready": 3, "trying_out": True}, ["3 runs wait for the canary to end."]),
        ({"ready": 1, "pipeline_room": 0}, ["1 run waits: ETA ridge has as many on their way as it may."]),
        ({"ready": 3, "team_room": -1}, ["3 runs wait: Rides has as many on their way as it may."]),
        ({"sent": 4}, ["4 runs wait for a free worker: both places are in use."]),
        ({"sent": 4, "in_use": 1}, []),
        ({"sent": 4, "slots": 1}, ["4 runs wait for a free worker: its one place is in use."]),
        ({"behind": 2, "earlier": 7}, ["2 runs wait for request #7, which has the same segment."]),
        ({"pausing": 1, "next_try": 65.0}, ["1 run is tried again, the first in 1 min 5 s."]),
        (
            {"running": 2, "silent": 1},
            ["1 run has been silent for a while: a worker may be gone. When its lease is over, that is tried again."],
        ),
        (
            {"running": 1, "longest": 500.0, "may_take": 600.0},
            ["The longest has run for 8 min 20 s and is ended after 10 min."],
        ),
        ({"running": 1, "longest": 100.0, "may_take": 600.0}, []),
        (
            {"sent": 1, "slots": 0, "behind": 1, "earlier": 7},
            ["No worker that trains is alive.", "1 run waits for request #7, which has the same segment."],
        ),
    ],
)
def test_each_reason_is_a_sentence(standing: dict[str, Any], sentences: list[str]) -> None:
    assert why_it_waits(Standing(**PLACES | standing)) == sentences
