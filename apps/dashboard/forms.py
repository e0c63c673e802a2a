"""Shapes of pages that need several apps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

from apps.dashboard.queries import users_to_declare

if TYPE_CHECKING:
    from apps.accounts.models import User

SERVICE = "service"


class UseForm(forms.Form):
    """Who uses a tool: a family, pipeline or team that the reader may speak for, or a service by its name."""

    who = forms.ChoiceField(label="Who uses it")
    name = forms.CharField(max_length=200, required=False, label="The service’s name", help_text="For a service.")
    team = forms.ChoiceField(required=False, label="The service’s team", help_text="For a service.")
    evidence = forms.CharField(max_length=300, required=False, help_text="Where one sees it, for example a repository.")

    def __init__(self, *args: Any, actor: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offered = users_to_declare(actor=actor)
        groups = [(title, [(one.key, one.label) for one in several]) for title, several in self.offered.items()]
        self.fields["who"].choices = [*groups, (SERVICE, "A service")]  # type: ignore[attr-defined]
        teams = [(one.name, one.label) for one in self.offered["Teams"]]
        self.fields["team"].choices = [("", "—"), *teams]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        said = self.cleaned_data
        if said.get("who") == SERVICE:
            for field in ("name", "team"):
                if not said.get(field):
                    self.add_error(field, "A service has a name, and a team that runs it.")
        return said

    def use(self) -> dict[str, Any]:
        """What is said, as the action takes it."""
        said = self.cleaned_data
        everyone = [one for several in self.offered.values() for one in several]
        if said["who"] == SERVICE:
            team = next(one.team for one in self.offered["Teams"] if one.name == said["team"])
            return {"kind": SERVICE, "name": said["name"], "team": team, "evidence": said["evidence"]}
        chosen = next(one for one in everyone if one.key == said["who"])
        known = {"kind": chosen.kind, "name": chosen.name, "team": chosen.team, "restricted": chosen.restricted}
        return known | {"evidence": said["evidence"]}
