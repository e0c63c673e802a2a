"""Reads that bring several parts of the portal together."""

from apps.dashboard.queries.home import Health, MyWork, Running, Task, my_work

__all__ = ["Health", "MyWork", "Running", "Task", "my_work"]
