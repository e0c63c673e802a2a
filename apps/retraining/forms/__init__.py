"""Shapes of the retraining pages: the form that a pipeline's schema makes, and what a request says besides."""

from apps.retraining.forms.answers import ApproveForm, RejectForm, WithdrawForm
from apps.retraining.forms.parameters import ParametersForm, titled
from apps.retraining.forms.sending import Choice, SendingForm
from apps.retraining.forms.terms import SIGNAL_KINDS, TermsForm

__all__ = [
    "SIGNAL_KINDS",
    "ApproveForm",
    "Choice",
    "ParametersForm",
    "RejectForm",
    "SendingForm",
    "TermsForm",
    "WithdrawForm",
    "titled",
]
