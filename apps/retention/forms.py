"""Shapes of the pages of retention."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.retention.models import LONGEST, SHORTEST, SHORTEST_FILES
from apps.retention.terms import Kind, Terms, shortest_of


class TermsForm(forms.Form):
    """Days; an empty field keeps everything."""

    logs_days = forms.IntegerField(
        label="Logs", required=False, help_text="What a segment run printed, from its end on."
    )
    attempts_days = forms.IntegerField(
        label="Attempts", required=False, help_text="All but the last of a segment run, which always stays."
    )
    metrics_days = forms.IntegerField(
        label="Metric points", required=False, help_text="The last of each metric always stays."
    )
    files_days = forms.IntegerField(
        label="Files", required=False, help_text="Of versions, runs and logged models that nothing needs any more."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for kind in Kind:
            said = f"Between {shortest_of(kind)} and {LONGEST:,} days, or empty: for good."
            field = self.fields[f"{kind}_days"]
            field.error_messages["invalid"] = said
            field.widget.attrs |= {"placeholder": "for good", "min": shortest_of(kind), "max": LONGEST}

    def terms(self) -> Terms:
        return Terms(**self.cleaned_data)


class SaveForm(TermsForm):
    """The same with the digest of what was looked at."""

    plan = forms.CharField(max_length=64)

    def terms(self) -> Terms:
        return Terms(**{name: days for name, days in self.cleaned_data.items() if name != "plan"})


class DaysForm(forms.Form):
    days = forms.IntegerField(min_value=min(SHORTEST, SHORTEST_FILES), max_value=LONGEST, label="Older than (days)")
