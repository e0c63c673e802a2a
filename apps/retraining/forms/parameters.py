"""The form that a pipeline's schema makes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import QueryDict

from apps.core.errors import Invalid
from apps.retraining.forms.fields import FlagField, LinesField, ParameterField, field_for
from apps.retraining.forms.parts import ABSENT, Part, Schema, in_order, parts_of
from apps.retraining.parameters import ROOT, validate

PREFIX = "parameters"


@dataclass(frozen=True)
class Section:
    """Parameters that belong together; of no section where the name is empty."""

    name: str
    fields: Sequence[forms.BoundField]


class ParametersForm(forms.Form):
    """One field per parameter; `values` are the parameters once it is valid."""

    values: dict[str, Any]
    use_required_attribute = False  # the server says it, in one voice

    def __init__(self, schema: Schema, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data, prefix=PREFIX)
        self.schema = schema
        self.parts = _by_section(parts_of(schema))
        self.fields = {part.name: field_for(part) for part in self.parts}

    @classmethod
    def filled(cls, schema: Schema, values: Mapping[str, Any], query: QueryDict | None = None) -> "ParametersForm":
        """The form as a browser would send it with these values, else the defaults; the address has the last word."""
        data = QueryDict(mutable=True)
        for part in parts_of(schema):
            field = field_for(part)
            asked = _asked(query, part.name, field) if query else None
            said = field.sent(_value_at(values, part)) if asked is None else asked
            data.setlist(f"{PREFIX}-{part.name}", said)
        return cls(schema, data)

    def clean(self) -> dict[str, Any]:
        """Judged by the same schema as every other door; an error stands at its field."""
        try:
            self.values = validate(self.schema, _put_together(self.parts, self.cleaned_data))
        except Invalid as error:
            self.refuse(error)
        return self.cleaned_data

    def refuse(self, error: Invalid) -> None:
        """Puts each of the errors to its field; a field that already says something wrong is left alone."""
        for path, sentence in (error.errors or {ROOT: error.message}).items():
            known = self._field_at(path)
            if known is None or known not in self.errors:
                self.add_error(known, sentence)

    def _field_at(self, path: str) -> str | None:
        """The field of a path such as `parameters.tree.depth`, or that of the list or object it leads into."""
        steps = path.split(".")[1:] if path != ROOT else []
        names = (".".join(steps[:end]) for end in range(len(steps), 0, -1))
        return next((name for name in names if name in self.fields), None)

    @property
    def names(self) -> set[str]:
        """Of the parameters, an object's parts being one."""
        return {part.path[0] for part in self.parts}

    @property
    def sections(self) -> list[Section]:
        """The fields by section."""
        grouped: dict[str, list[forms.BoundField]] = {}
        for part in self.parts:
            grouped.setdefault(part.section, []).append(self[part.name])
        return [Section(name, fields) for name, fields in grouped.items()]

    def forgive_missing(self) -> None:
        """A form that was just opened does not scold for what nobody could have filled in yet."""
        for name in [name for name in self.fields if name in self.errors and not self[name].data]:
            del self.errors[name]

    def changed(self) -> list[tuple[str, Any, Any]]:
        """Label, value and default of each value that differs from its default; only of a valid form."""
        said = [(part, _value_at(self.values, part, ABSENT)) for part in self.parts]
        return [
            (part.label, value, None if part.default is ABSENT else part.default)
            for part, value in said
            if value is not ABSENT and value != part.default
        ]


def _by_section(parts: Sequence[Part]) -> list[Part]:
    """First those of none, then each section where it first appears."""
    sections = list(dict.fromkeys(["", *(part.section for part in parts)]))
    return sorted(parts, key=lambda part: sections.index(part.section))


def titled(schema: Schema, values: Mapping[str, Any]) -> list[tuple[str, str, Any]]:
    """Label, name and value of each as the form of the schema has them; a name it does not know is its own label."""
    found = [(part, _value_at(values, part, ABSENT)) for part in parts_of(schema)]
    known = {part.path[0] for part, _ in found}
    said = [(part.label, part.name, value) for part, value in found if value is not ABSENT]
    return [*said, *((name, name, values[name]) for name in in_order(schema, values) if name not in known)]


def _value_at(values: Mapping[str, Any], part: Part, otherwise: Any = None) -> Any:
    """The part's value; where there is none its default, or what is said here."""
    found: Any = values
    for step in part.path:
        if not isinstance(found, Mapping) or step not in found:
            return part.default if otherwise is None else otherwise
        found = found[step]
    return found


def _put_together(parts: Sequence[Part], cleaned: Mapping[str, Any]) -> dict[str, Any]:
    """Objects out of their parts; one of which nothing was said is not there."""
    whole: dict[str, Any] = {}
    for part in parts:
        if part.name not in cleaned or cleaned[part.name] is ABSENT:
            continue
        into = whole
        for step in part.path[:-1]:
            into = into.setdefault(step, {})
        into[part.path[-1]] = cleaned[part.name]
    return whole


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
