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


TITLES: dict[str, str] = {
    Trouble.ADDRESS: "The address is not right, or nothing answers there",
    Trouble.TLS: "No safe connection can be made",
    Trouble.AUTH: "The credential is not accepted",
    Trouble.PERMISSION: "Its account lacks a permission",
    Trouble.VERSION: "It is of a version that does not fit",
    Trouble.FILES: "Its files can not be reached",
    Trouble.SCHEDULER: "It answers, and does not work",
}


@dataclass(frozen=True)
class Finding:
    """`trouble` is None where all is well; `said` is a sentence that says what is wrong and what to do."""

    trouble: Trouble | None
    said: str
    version: str = ""
