"""Reads of the registry."""

from apps.registry.queries.evaluations import evaluations_due
from apps.registry.queries.windows import Window, newest_window

__all__ = ["Window", "evaluations_due", "newest_window"]
