"""Shapes of the registry's pages."""

from apps.registry.forms.families import FamilyForm, NewFamilyForm, OwnerForm, settings_of
from apps.registry.forms.gates import GateEditor
from apps.registry.forms.promotions import (
    AdvanceForm,
    ApproveForm,
    FreezeForm,
    LiveValueForm,
    NoteForm,
    ProposalForm,
    ReasonForm,
    RejectForm,
    UndoForm,
    UnusedForm,
    WithdrawForm,
)

__all__ = [
    "AdvanceForm",
    "ApproveForm",
    "FamilyForm",
    "FreezeForm",
    "GateEditor",
    "LiveValueForm",
    "NewFamilyForm",
    "NoteForm",
    "OwnerForm",
    "ProposalForm",
    "ReasonForm",
    "RejectForm",
    "UndoForm",
    "UnusedForm",
    "WithdrawForm",
    "settings_of",
]
