"""The form that a pipeline's schema makes."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import QueryDict

from apps.core.errors import Invalid
from apps.retraining.forms.fields import FlagField, LinesField, ParameterField, field_for
from apps.retraining.forms.parts import ABSENT, Schema, in_order, parts_of
from apps.retraining.parameters import ROOT, validate

PREFIX = "parameters"


class ParametersForm(forms.Form):
    """One field per parameter; `values` are the parameters once it is valid."""

    values: dict[str, Any]
    use_required_attribute = False  # the server says it, in one voice

    def __init__(self, schema: Schema, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data, prefix=PREFIX)
        self.schema = schema
        self.fields = {part.name: field_for(part) for part in parts_of(schema)}

    @classmethod
    def filled(cls, schema: Schema, values: Mapping[str, Any], query: QueryDict | None = None) -> "ParametersForm":
        """The form as a browser would send it with these values, else the defaults; the address has the last word."""
        data = QueryDict(mutable=True)
        for part in parts_of(schema):
            field = field_for(part)
            asked = _asked(query, part.name, field) if query else None
            said = field.sent(values.get(part.name, part.default)) if asked is None else asked
            data.setlist(f"{PREFIX}-{part.name}", said)
        return cls(schema, data)

    def clean(self) -> dict[str, Any]:
        """Judged by the same schema as every other door; an error stands at its field."""
        said = {name: value for name, value in self.cleaned_data.items() if value is not ABSENT}
        try:
            self.values = validate(self.schema, said)
        except Invalid as error:
            self.refuse(error)
        return self.cleaned_data

    def refuse(self, error: Invalid) -> None:
        """Puts each of the errors to its field; a field that already says something wrong is left alone."""
        for path, sentence in (error.errors or {ROOT: error.message}).items():
            name = path.removeprefix(f"{ROOT}.").split(".")[0]
            known = name if path != ROOT and name in self.fields else None
            if known is None or known not in self.errors:
                self.add_error(known, sentence)

    def forgive_missing(self) -> None:
        """A form that was just opened does not scold for what nobody could have filled in yet."""
        for name in [name for name in self.fields if name in self.errors and not self[name].data]:
            del self.errors[name]

    def changed(self) -> list[tuple[str, Any, Any]]:
        """Label, value and default of each value that differs from its default; only of a valid form."""
        parts = [(part, self.values.get(part.name)) for part in parts_of(self.schema)]
        return [
            (part.label, value, None if part.default is ABSENT else part.default)
            for part, value in parts
            if part.name in self.values and value != part.default
        ]


def titled(schema: Schema, values: Mapping[str, Any]) -> list[tuple[str, str, Any]]:
    """Label, name and value of each as the form of the schema has them; a name it does not know is its own label."""
    labels = {part.name: part.label for part in parts_of(schema)}
    return [(labels.get(name, name), name, values[name]) for name in in_order(schema, values)]


def _asked(query: QueryDict, name: str, field: ParameterField) -> list[str] | None:
    """What the address says of a parameter (`alpha=2`, or `parameters-alpha=2` where the name means something else)."""
    for key in (f"{PREFIX}-{name}", name):
        if key in query:
            return _as_sent(query.getlist(key), field)
    return None


def _as_sent(said: list[str], field: ParameterField) -> list[str]:
    if isinstance(field, FlagField):
        return field.sent(said[-1])
    if isinstance(field.widget, forms.CheckboxSelectMultiple):
        return [one for text in said for one in text.split(",") if one]
    return ["\n".join(said)] if isinstance(field, LinesField) else said[-1:]
