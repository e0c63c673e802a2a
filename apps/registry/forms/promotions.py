"""Shapes of the promotion pages."""

from typing import Any

from django import forms

from apps.registry.actions.proposals import LONGEST_REASON

REASON = "Who reads this in a year knows nothing of today: say what made you do it."


class ReasonForm(forms.Form):
    """Why; and the key that makes a double click harmless."""

    reason = forms.CharField(
        max_length=LONGEST_REASON,
        help_text=REASON,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Say why in a sentence."},
    )
    key = forms.CharField(max_length=100, required=False, widget=forms.HiddenInput)


class Numbers(forms.CharField):
    """Whole numbers between commas or spaces, as a list."""

    def clean(self, value: Any) -> list[int]:
        words = (super().clean(value) or "").replace(",", " ").split()
        if not all(word.isascii() and word.isdigit() and len(word) < 6 for word in words):
            raise forms.ValidationError("Write numbers of segments, such as 5, 50.")
        return [int(word) for word in words]


class ProposalForm(ReasonForm):
    """A reason, and for a wave of many how it moves."""

    stages = Numbers(
        required=False,
        label="In stages",
        help_text="Such as 5, 50: five segments first, then up to fifty, then all; those with the least traffic go "
        "first. Empty moves all at once.",
    )
    live_limit = forms.FloatField(
        required=False,
        label="Go on by itself at",
        help_text="A live value at least this good, posted after the label delay, moves the next stage. Empty: only a "
        "person does.",
    )


class ApproveForm(forms.Form):
    """A yes to exactly what `digest` names; a note is welcome."""

    digest = forms.CharField(max_length=64)
    note = forms.CharField(max_length=LONGEST_REASON, required=False)


class RejectForm(forms.Form):
    """A no, with its reason."""

    digest = forms.CharField(max_length=64)
    reason = forms.CharField(
        max_length=LONGEST_REASON,
        error_messages={"required": "Say why, so that the proposer can do something about it."},
    )


class WithdrawForm(forms.Form):
    reason = forms.CharField(max_length=LONGEST_REASON, required=False)


class UnusedForm(forms.Form):
    days = forms.IntegerField(min_value=1, max_value=3_650, label="Not used for (days)")


class NoteForm(forms.Form):
    note = forms.CharField(max_length=LONGEST_REASON, required=False)


class AdvanceForm(forms.Form):
    """The next stage, by its number: a double click moves one stage, not two."""

    stage = forms.IntegerField(min_value=1, max_value=1_000)
    reason = forms.CharField(max_length=LONGEST_REASON, required=False)


class UndoForm(forms.Form):
    reason = forms.CharField(
        max_length=LONGEST_REASON, error_messages={"required": "Say why: who reads the history tomorrow was asleep."}
    )


class LiveValueForm(forms.Form):
    """What was measured in production, in the metric's unit, through that day."""

    value = forms.FloatField(error_messages={"required": "A live value is a number.", "invalid": "It is a number."})
    through = forms.DateField(error_messages={"required": "Through which day was it measured?"})
    note = forms.CharField(max_length=LONGEST_REASON, required=False)


class FreezeForm(forms.Form):
    """Why nothing may be promoted, and until when."""

    reason = forms.CharField(
        max_length=LONGEST_REASON,
        help_text="Everybody who wants to promote meanwhile reads it.",
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "Say why in a sentence."},
    )
    until = forms.DateTimeField(
        label="Until (UTC)",
        help_text="It ends by itself then; you can lift it earlier.",
        widget=forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
