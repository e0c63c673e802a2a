"""`make serve` is killed, and nothing of it is left."""

import pytest

from portal.local import services
from tests.local import conftest as local
from tests.local import test_serve as serving
from tests.local.conftest import is_alive, wait_until
from tests.local.test_serve import Served, Start, command_line

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]
doomed, start = serving.doomed, local.start


def test_after_a_kill_nothing_is_left_and_it_starts_again(doomed: Served, start: Start) -> None:
    everything = doomed.processes()
    doomed.program.popen.kill()
    doomed.program.ends()
    wait_until(
        lambda: not any(map(is_alive, everything)),
        lambda: [command_line(pid) for pid in everything if is_alive(pid)],
    )
    assert services.load(doomed.var_dir) is None
    again = start("portal.local.serve", PORT=str(doomed.port), VAR_DIR=str(doomed.var_dir), DEMO="0")
    again.wait_for("The portal is at")
    assert again.interrupt() == 0
