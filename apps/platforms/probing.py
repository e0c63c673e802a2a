"""What a test of a connection finds; free of Django."""

from dataclasses import dataclass
from enum import StrEnum


class Trouble(StrEnum):
    """Which part is wrong, in the order in which a test comes to it."""

    ADDRESS = "address"
    TLS = "tls"
    AUTH = "auth"
    PERMISSION = "permission"
    VERSION = "version"
    FILES = "files"
    SCHEDULER = "scheduler"


@dataclass(frozen=True)
class Finding:
    """`trouble` is None where all is well; `said` is a sentence that says what is wrong and what to do."""

    trouble: Trouble | None
    said: str
    version: str = ""
