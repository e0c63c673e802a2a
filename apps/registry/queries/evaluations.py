"""Reads of evaluations."""

from __future__ import annotations

from apps.registry.models import Evaluation


def evaluations_due() -> int:
    """How many wait for a worker, or lost theirs."""
    return Evaluation.objects.due().count()
