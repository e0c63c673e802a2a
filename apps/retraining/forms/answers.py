"""What people answer to a request that waits for approval."""

from django import forms

LONGEST = 2_000


class ApproveForm(forms.Form):
    """A yes to exactly what `digest` names; a note is welcome."""

    digest = forms.CharField(max_length=64)
    note = forms.CharField(max_length=LONGEST, required=False)


class RejectForm(forms.Form):
    """A no, with its reason."""

    digest = forms.CharField(max_length=64)
    reason = forms.CharField(
        max_length=LONGEST, error_messages={"required": "Say why not, so that who asked knows what to change."}
    )


class WithdrawForm(forms.Form):
    reason = forms.CharField(max_length=LONGEST, required=False)
