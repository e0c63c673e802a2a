"""Reads of the registry."""

from apps.registry.queries.windows import Window, newest_window

__all__ = ["Window", "newest_window"]
