"""Shapes of the registry's pages."""

from apps.registry.forms.families import FamilyForm, NewFamilyForm, settings_of
from apps.registry.forms.gates import GateEditor
from apps.registry.forms.promotions import ApproveForm, FreezeForm, ReasonForm, RejectForm, WithdrawForm

__all__ = [
    "ApproveForm",
    "FamilyForm",
    "FreezeForm",
    "GateEditor",
    "NewFamilyForm",
    "ReasonForm",
    "RejectForm",
    "WithdrawForm",
    "settings_of",
]
