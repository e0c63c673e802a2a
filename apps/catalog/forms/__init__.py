"""Shapes of the catalog's pages."""

from apps.catalog.forms.decisions import (
    DecisionForm,
    LookBackForm,
    OptionForm,
    PostponeForm,
    SupersedeForm,
    criteria_in,
)
from apps.catalog.forms.needs import AnswerForm, GapForm, ImportForm, WishForm, initial_of_gap
from apps.catalog.forms.positions import (
    AcceptForm,
    EditionForm,
    MoveForm,
    PositionForm,
    ReasonForm,
    ReviewForm,
    initial,
)

__all__ = [
    "AcceptForm",
    "AnswerForm",
    "DecisionForm",
    "EditionForm",
    "GapForm",
    "ImportForm",
    "LookBackForm",
    "MoveForm",
    "OptionForm",
    "PositionForm",
    "PostponeForm",
    "ReasonForm",
    "ReviewForm",
    "SupersedeForm",
    "WishForm",
    "criteria_in",
    "initial",
    "initial_of_gap",
]
