"""Which paths a file of a tree may have: relative, inside the tree, and what they look like."""

import re
import unicodedata
from urllib.parse import unquote

from apps.core.errors import Invalid

LONGEST_PATH = 250
_OUTSIDE = re.compile(r"(^|/)\.{0,2}(/|$)|\\|^[A-Za-z]:|#")


def check_path(path: str) -> str:
    """The path itself. Raises Invalid for an absolute, climbing, hidden-in-encoding or unprintable one."""
    if not path or len(path) > LONGEST_PATH:
        raise Invalid(f"A file's path has between 1 and {LONGEST_PATH} characters; {_shown(path)} has {len(path)}.")
    plain = _decoded(path)
    if any(unicodedata.category(letter).startswith("C") for letter in path + plain):
        raise Invalid(f"The path {_shown(path)} holds characters that can not be shown; rename the file.")
    if _OUTSIDE.search(plain):
        raise Invalid(f"The path {_shown(path)} is not a plain relative path such as 'model/weights.json'; rename it.")
    return path


def is_path(path: str) -> bool:
    """True for a path that a tree could hold."""
    try:
        check_path(path)
    except Invalid:
        return False
    return True


def folders_of(path: str) -> list[str]:
    """'a/b/c' lies in 'a' and 'a/b'."""
    parts = path.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]


def _decoded(path: str) -> str:
    """Percent signs resolved until nothing changes: '%252e' hides a dot from those who look once."""
    while (plain := unquote(path)) != path:
        path = plain
    return path


def _shown(path: str) -> str:
    return ascii(path if len(path) <= 60 else path[:57] + "...")
