"""The gate editor: a small form per gate, in an order; what each may ask for comes from `gates.KINDS`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django import forms

from apps.core.errors import Invalid
from apps.registry.forms.fields import Names
from apps.registry.gates import KINDS, GateSpec, Kind, Setting

if TYPE_CHECKING:
    from django.http import QueryDict


class GateForm(forms.Form):
    """The settings of one gate; its fields are named `<kind>-<setting>`. `spec` is what it began with."""

    def __init__(self, spec: GateSpec, *, unit: str, data: Mapping[str, Any] | None = None) -> None:
        self.kind, self.was = KINDS[spec.kind], spec
        super().__init__(data, prefix=spec.kind, initial=_shown(self.kind, spec))
        for setting in self.kind.settings:
            self.fields[setting.name] = _field(setting, unit)

    @property
    def spec(self) -> GateSpec:
        """As it is sent; a default that nobody has chosen stays unsaid, so that looking at it changes nothing."""
        settings = {
            setting.name: self.cleaned_data[setting.name]
            for setting in self.kind.settings
            if not self._is_unsaid(setting)
        }
        return GateSpec(self.kind.name, settings, self.was.alias)

    def _is_unsaid(self, setting: Setting) -> bool:
        value = self.cleaned_data[setting.name]
        if setting.name in self.was.settings:
            return False
        return value in (None, "", []) or _plain(value) == _plain(setting.default)


class GateEditor:
    """The gates of one protected alias, or of all ("" as alias), as they are being edited."""

    def __init__(self, gates: Sequence[GateSpec], *, alias: str, unit: str) -> None:
        """`gates` are all that the family has now."""
        self.alias, self.unit = alias, unit
        self.others = [gate for gate in gates if gate.alias != alias]
        self.stored = {gate.kind: gate for gate in gates if gate.alias == alias}
        self.forms = [GateForm(gate, unit=unit) for gate in self.stored.values()]

    def read(self, sent: QueryDict) -> None:
        """Takes the gates and settings of a sent page. Raises Invalid for a gate that does not exist."""
        kinds = list(dict.fromkeys(sent.getlist("kind")))
        self.forms = [GateForm(self._spec(kind), unit=self.unit, data=sent) for kind in kinds]

    def step(self, words: str) -> None:
        """`add:card`, `remove:card`, `up:card` or `down:card`; anything else changes nothing."""
        verb, _, kind = words.partition(":")
        at = next((n for n, form in enumerate(self.forms) if form.kind.name == kind), None)
        if verb == "add" and at is None:
            self.forms.append(GateForm(self._spec(kind), unit=self.unit))
        elif verb == "remove" and at is not None:
            del self.forms[at]
        elif verb in ("up", "down") and at is not None:
            to = max(0, at - 1) if verb == "up" else at + 1
            self.forms.insert(to, self.forms.pop(at))

    @property
    def offered(self) -> list[Kind]:
        """Kinds that are not among the gates yet."""
        used = {form.kind.name for form in self.forms}
        return [kind for kind in KINDS.values() if kind.name not in used]

    def is_valid(self) -> bool:
        return all(form.is_valid() for form in self.forms if form.is_bound) and not self._incomplete()

    def gates(self) -> list[GateSpec]:
        """All gates of the family as they would be; only of an editor that is valid."""
        return [*self.others, *(form.spec if form.is_bound else form.was for form in self.forms)]

    def _incomplete(self) -> bool:
        """A gate that was added a moment ago and needs a value that nobody has typed yet."""
        fresh = [form for form in self.forms if not form.is_bound]
        return any(
            setting.is_required and setting.name not in form.was.settings
            for form in fresh
            for setting in form.kind.settings
        )

    def _spec(self, kind: str) -> GateSpec:
        if kind not in KINDS:
            raise Invalid(f"There is no gate {kind[:40]!r}; choose from {', '.join(KINDS)}.", field="kind")
        return self.stored.get(kind) or GateSpec(kind, {}, self.alias)


def _shown(kind: Kind, spec: GateSpec) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in kind.values(spec).items()}


def _field(setting: Setting, unit: str) -> forms.Field:
    label = f"{setting.label}, {unit}" if setting.in_metric_unit and unit else setting.label
    words: dict[str, Any] = {"label": label, "help_text": setting.help, "required": setting.type != "text"}
    if setting.type == "number":
        return forms.FloatField(min_value=setting.minimum, **words)
    if setting.type == "choice":
        return forms.ChoiceField(choices=setting.choices, **words)
    return Names(**words) if setting.type == "words" else forms.CharField(max_length=100, **words)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
