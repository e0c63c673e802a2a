"""PostgreSQL and Valkey alone, in the foreground: `python -m portal.local.dev_services`."""

from __future__ import annotations

import os
from pathlib import Path

from portal.local.errors import Stopped, said_plainly
from portal.local.servers import Wanted, running
from portal.local.supervisor import Supervisor


def main() -> None:
    var_dir = Path(os.environ.get("VAR_DIR", "var")).resolve()
    with said_plainly(), Supervisor() as supervisor, running(Wanted(var_dir), supervisor):
        supervisor.say(f"PostgreSQL and Valkey run; their addresses are in {var_dir / 'services.json'}.")
        try:
            supervisor.watch()
        except Stopped:
            supervisor.say("Stopping.")


if __name__ == "__main__":
    main()
