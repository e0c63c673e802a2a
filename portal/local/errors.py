"""What went wrong on this machine, said in one sentence that tells a person what to do."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class CannotRun(Exception):
    """The local servers or processes cannot run; the message is the whole explanation."""


class Stopped(Exception):
    """A person asked for the end (Ctrl-C or SIGTERM) while something was still starting."""


MAKE_ROOM = "Free some space, or choose a folder on another disk: make serve VAR_DIR=/path"


@contextmanager
def said_plainly() -> Iterator[None]:
    """Ends the program with the sentence of a CannotRun or of a full disk instead of a traceback."""
    try:
        yield
    except CannotRun as error:
        sys.exit(f"\n{error}")
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        sys.exit(f"\nThe disk is full. {MAKE_ROOM}")
