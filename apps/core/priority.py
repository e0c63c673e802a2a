"""Who goes first where processes share a machine."""

import os
from contextlib import suppress
from pathlib import Path


def go_after_others(steps: int) -> None:
    """Lowers this process by so many steps of niceness, and its session: where Linux shares by session first
    (`sched_autogroup_enabled`), niceness alone counts only among the processes of one.
    """
    niceness = os.nice(steps)
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(niceness))
