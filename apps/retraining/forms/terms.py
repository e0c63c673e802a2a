"""What a policy says besides the parameters: when, for which segments, and how much at most."""

from typing import TYPE_CHECKING, Any

from django import forms

from apps.core.errors import PortalError
from apps.retraining.actions import PolicyTerms
from apps.retraining.forms.sending import slugs_in
from apps.retraining.models import Pipeline, Policy
from apps.retraining.reports import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from apps.registry.models import Segment


SIGNAL_KINDS = [(kind.value, kind.value.capitalize()) for kind in Kind]
"""Pairs of stored value and label."""


class TermsForm(forms.Form):
    """One form for a new policy and for a change."""

    use_required_attribute = False

    name = forms.CharField(max_length=100, help_text="What people call it: Monthly refresh, On drift.")
    trigger = forms.ChoiceField(choices=Policy.Trigger.choices, widget=forms.RadioSelect, label="Retrain")
    cron = forms.CharField(
        required=False,
        max_length=100,
        label="Schedule",
        help_text="Minute, hour, day, month, weekday. 0 6 1 * * is six in the morning on each first.",
    )
    time_zone = forms.CharField(max_length=64, label="Time zone", help_text="Such as Europe/Tallinn.")
    kinds = forms.MultipleChoiceField(
        required=False,
        choices=SIGNAL_KINDS,
        widget=forms.CheckboxSelectMultiple,
        label="Signals of",
        help_text="None ticked means every kind.",
    )
    in_a_row = forms.IntegerField(
        min_value=1, max_value=30, label="Alarms in a row", help_text="So many about a segment, without a good word."
    )
    worse_by = forms.IntegerField(
        min_value=0,
        max_value=1_000,
        label="Worse by percent",
        help_text="On the newest month with labels, by more than so much.",
    )
    yardstick = forms.ChoiceField(
        choices=Policy.Yardstick.choices, label="Worse", help_text="What it is compared with."
    )
    segments = forms.CharField(
        required=False,
        widget=forms.Textarea({"rows": 3}),
        help_text="Names or slugs, one per line; empty means all of the family.",
    )
    cool_down_hours = forms.IntegerField(
        min_value=0, label="Cool-down in hours", help_text="A segment is not retrained again within."
    )
    daily_cap = forms.IntegerField(min_value=1, label="Most runs within 24 hours")
    after_success = forms.ChoiceField(
        required=False, choices=[("", "as the pipeline says"), *Pipeline.AfterSuccess.choices], label="After success"
    )
    starts = forms.BooleanField(
        required=False,
        label="It sends the request itself",
        help_text="Otherwise it suggests one, and a member of the team sends it.",
    )

    def __init__(self, known: "Sequence[Segment]", data: "Mapping[str, Any] | None" = None, **more: Any) -> None:
        super().__init__(data, **more)
        self.known = known

    @property
    def occasions(self) -> dict[str, list[forms.BoundField]]:
        """By trigger, the fields that mean something only for it."""
        return {trigger: [self[name] for name in names] for trigger, names in BELONGING.items()}

    @property
    def limits(self) -> list[forms.BoundField]:
        """The fields of every policy, but for its name and trigger."""
        said = {"name", "trigger", *(name for names in BELONGING.values() for name in names)}
        return [self[name] for name in self.fields if name not in said]

    @staticmethod
    def beginning(policy: Policy | None) -> dict[str, Any]:
        """What stands in the fields when it opens."""
        if policy is None:
            terms = PolicyTerms(name="", trigger=Policy.Trigger.SCHEDULE)
            return {name: getattr(terms, name) for name in FIELDS} | {"segments": ""}
        return {name: getattr(policy, name) for name in FIELDS} | {"segments": "\n".join(policy.segments or [])}

    def terms(self, parameters: "Mapping[str, Any]") -> PolicyTerms:
        """Only of a valid form."""
        said = self.cleaned_data
        chosen = slugs_in(said["segments"], self.known) or None
        return PolicyTerms(parameters=parameters, segments=chosen, **{name: said[name] for name in FIELDS})

    def refuse(self, error: PortalError) -> None:
        """Puts an error to the field it is about, else on top."""
        self.add_error(error.field if error.field in self.fields else None, error.message)


BELONGING = {
    Policy.Trigger.SCHEDULE.value: ("cron", "time_zone"),
    Policy.Trigger.SIGNAL.value: ("kinds", "in_a_row"),
    Policy.Trigger.METRIC.value: ("worse_by", "yardstick"),
}
WHEN = ("name", "trigger", "cron", "time_zone", "kinds", "in_a_row", "worse_by", "yardstick")
FIELDS = (*WHEN, "cool_down_hours", "daily_cap", "after_success", "starts")
