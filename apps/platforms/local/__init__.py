"""Runs training scripts on this machine: a warm parent forks one confined child per run."""

from apps.platforms.local.privileges import isolation
from apps.platforms.local.runner import LocalRunner

__all__ = ["LocalRunner", "isolation"]
