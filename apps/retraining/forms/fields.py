"""Django fields for the parts of a schema.

Each turns what a browser sends into the JSON value (or ABSENT, when the parameter was left out), and a JSON value into
what a browser would send. They only translate: limits and patterns are judged once, by the schema itself.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, time
from typing import Any

from django import forms
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.core.markdown import render
from apps.retraining.forms.parts import ABSENT, Kind, Part
from apps.retraining.forms.scalars import is_true, number_of, scalar, text_of

NEEDED = "This is needed."
MOST_EXAMPLES = 20


class Suggesting(forms.TextInput):
    """An input with the schema's examples to choose from."""

    def __init__(self, *, examples: tuple[Any, ...], input_type: str, attrs: dict[str, Any]) -> None:
        super().__init__(attrs)
        self.input_type = input_type
        self.examples = [str(example) for example in examples if isinstance(example, str | int | float)]

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        if not self.examples:
            return super().render(name, value, attrs, renderer)
        known = f"{(attrs or {}).get('id', name)}_examples"
        options = format_html_join("", '<option value="{}">', ((one,) for one in self.examples[:MOST_EXAMPLES]))
        shown = super().render(name, value, {**(attrs or {}), "list": known}, renderer)
        return format_html('{}<datalist id="{}">{}</datalist>', shown, known, options)


class ParameterField(forms.Field):
    """A part's field; its clean value is JSON or ABSENT. `hint` says how the value is written."""

    hint = ""

    def __init__(self, part: Part, widget: forms.Widget) -> None:
        said = render(" ".join(filter(None, [part.help, self.hint])))
        super().__init__(required=_shown_as_needed(part), label=part.label, help_text=said, widget=widget)
        self.part = part

    def clean(self, value: Any) -> Any:
        if value in (None, "", []):
            return self.empty()
        return self.read(value)

    def empty(self) -> Any:
        """What nothing in the field means: null, left out, or an error; never silently the default."""
        if self.part.nullable:
            return None
        if self.required:
            raise forms.ValidationError(NEEDED)
        return ABSENT

    def read(self, value: Any) -> Any:
        return value

    def sent(self, value: Any) -> list[str]:
        """How a browser would send this value."""
        return [] if value is None or value is ABSENT else [text_of(value)]


class TextField(ParameterField):
    """An empty text is a value, unless the parameter may be null or is optional and has no default."""

    def empty(self) -> Any:
        return "" if self.required and not self.part.nullable else super().empty()

    def read(self, value: Any) -> str:
        return str(value).replace("\r\n", "\n")


class NumberField(ParameterField):
    def read(self, value: Any) -> float | int:
        return number_of(str(value), self.part.kind)


class FlagField(ParameterField):
    """A box that is ticked or not: both are values."""

    def __init__(self, part: Part) -> None:
        super().__init__(part, forms.CheckboxInput())
        self.required = False

    def clean(self, value: Any) -> bool:
        return bool(value)

    def sent(self, value: Any) -> list[str]:
        return ["on"] if is_true(value) else []


class ChoiceField(ParameterField):
    """One of the schema's values, which need not be texts."""

    def __init__(self, part: Part) -> None:
        options = [(choice.sent, choice.label) for choice in part.choices]
        chosen = any(choice.value == part.default for choice in part.choices)
        super().__init__(part, forms.Select(choices=options if chosen else [("", "Choose …"), *options]))
        self.values = {choice.sent: choice.value for choice in part.choices}

    def clean(self, value: Any) -> Any:
        if value in self.values:
            return self.values[value]
        return self.read(value) if value else self.empty()

    def read(self, value: Any) -> Any:
        raise forms.ValidationError(f"Choose one of {', '.join(self.values)}.")


class ChoicesField(ParameterField):
    """Any of the schema's values, each once; none of them is an empty list."""

    def __init__(self, part: Part) -> None:
        options = [(choice.sent, choice.label) for choice in part.choices]
        super().__init__(part, forms.CheckboxSelectMultiple(choices=options))
        self.values = {choice.sent: choice.value for choice in part.choices}

    def empty(self) -> Any:
        if self.part.nullable:
            return None
        return [] if self.required else ABSENT

    def read(self, value: Any) -> Any:
        unknown = [str(one) for one in value if one not in self.values]
        if unknown:
            raise forms.ValidationError(f"There is no {unknown[0][:60]!r}; there are {', '.join(self.values)}.")
        return [self.values[one] for one in dict.fromkeys(value)]

    def sent(self, value: Any) -> list[str]:
        return [text_of(one) for one in value] if isinstance(value, list) else super().sent(value)


class LinesField(ParameterField):
    """A list with one text, number or flag per line."""

    hint = "One per line."

    def __init__(self, part: Part) -> None:
        known = "\n".join(text_of(one) for one in part.examples[:MOST_EXAMPLES] if not isinstance(one, list | dict))
        super().__init__(part, forms.Textarea({"rows": 4, "placeholder": known}))

    def empty(self) -> Any:
        if self.part.nullable:
            return None
        return [] if self.required else ABSENT

    def read(self, value: Any) -> Any:
        lines = [line.strip() for line in str(value).splitlines() if line.strip()]
        return [self._item(number, line) for number, line in enumerate(lines, start=1)]

    def sent(self, value: Any) -> list[str]:
        return ["\n".join(text_of(one) for one in value)] if isinstance(value, list) else super().sent(value)

    def _item(self, number: int, line: str) -> Any:
        try:
            return scalar(line, self.part.item)
        except forms.ValidationError as error:
            raise forms.ValidationError(f"Line {number}: {error.message}") from error


class PairsField(LinesField):
    """An object with one name and value per line; none of them is an empty object."""

    hint = "One name = value per line."

    def empty(self) -> Any:
        return {} if super().empty() == [] else super().empty()

    def read(self, value: Any) -> Any:
        return dict(super().read(value))

    def sent(self, value: Any) -> list[str]:
        lines = [f"{name} = {text_of(one)}" for name, one in value.items()] if isinstance(value, dict) else []
        return ["\n".join(lines)] if lines else []

    def _item(self, number: int, line: str) -> Any:
        name, equals, text = (word.strip() for word in line.partition("="))
        if not equals or not name:
            raise forms.ValidationError(f"Line {number}: write it as name = value.")
        return name, super()._item(number, text)


class DateField(ParameterField):
    """A day, which the browser lets people pick; what is no day is refused by the schema."""

    def read(self, value: Any) -> str:
        return str(value).strip()


class MomentField(ParameterField):
    """A day and a time, picked and shown in UTC; a time zone that somebody writes is kept."""

    hint = "In UTC."

    def read(self, value: Any) -> str:
        text = str(value).strip()
        try:
            said = datetime.fromisoformat(text)
        except ValueError:
            return text  # refused by the schema, in its words
        return text if said.tzinfo else f"{said.isoformat(timespec='seconds')}Z"

    def sent(self, value: Any) -> list[str]:
        try:
            said = datetime.fromisoformat(str(value)).astimezone(UTC)
        except ValueError:
            return super().sent(value)
        return [said.replace(tzinfo=None).isoformat(timespec="seconds")]


class TimeField(ParameterField):
    """A time of day in UTC."""

    hint = "In UTC."

    def read(self, value: Any) -> str:
        text = str(value).strip()
        try:
            said = time.fromisoformat(text)
        except ValueError:
            return text
        return text if said.tzinfo else f"{said.isoformat(timespec='seconds')}Z"

    def sent(self, value: Any) -> list[str]:
        return [text.removesuffix("Z") for text in super().sent(value)]


class JsonField(ParameterField):
    """Whatever no other field fits."""

    hint = "Written as JSON."

    def __init__(self, part: Part) -> None:
        example = json.dumps(part.examples[0], ensure_ascii=False) if part.examples else ""
        super().__init__(
            part, forms.Textarea({"rows": 5, "class": "mono", "placeholder": example, "spellcheck": "false"})
        )

    def read(self, value: Any) -> Any:
        try:
            return json.loads(str(value))
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(f"This is no JSON: {str(error)[:120]}.") from error

    def sent(self, value: Any) -> list[str]:
        return [] if value is ABSENT else [json.dumps(value, indent=2, ensure_ascii=False)]


def field_for(part: Part) -> ParameterField:
    """The field that fits the part."""
    return FIELDS[part.kind](part)


def _input(field: type[ParameterField], input_type: str, **attrs: Any) -> Callable[[Part], ParameterField]:
    def made(part: Part) -> ParameterField:
        said = attrs | _bounds(part)
        return field(part, Suggesting(examples=part.examples, input_type=input_type, attrs=said))

    return made


def _long_text(part: Part) -> ParameterField:
    return TextField(part, forms.Textarea({"rows": 5, "placeholder": str(part.examples[0]) if part.examples else ""}))


def _flag(part: Part) -> ParameterField:
    """Ticked or not where one of them is meant by default; else yes, no, and nothing."""
    if part.default is not ABSENT and not part.nullable:
        return FlagField(part)
    return YesNoField(part)


class YesNoField(ParameterField):
    """Yes, no, or nothing said."""

    def __init__(self, part: Part) -> None:
        super().__init__(part, forms.Select(choices=[("", "Not set"), ("true", "Yes"), ("false", "No")]))

    def read(self, value: Any) -> bool:
        if value not in ("true", "false"):
            raise forms.ValidationError("Choose yes or no.")
        return bool(value == "true")


FIELDS: dict[Kind, Callable[[Part], ParameterField]] = {
    Kind.TEXT: _input(TextField, "text", autocomplete="off"),
    Kind.LONG_TEXT: _long_text,
    Kind.NUMBER: _input(NumberField, "number", step="any"),
    Kind.INTEGER: _input(NumberField, "number", step="1"),
    Kind.FLAG: _flag,
    Kind.DATE: _input(DateField, "date"),
    Kind.MOMENT: _input(MomentField, "datetime-local", step="1"),
    Kind.TIME: _input(TimeField, "time", step="1"),
    Kind.CHOICE: ChoiceField,
    Kind.CHOICES: ChoicesField,
    Kind.LINES: LinesField,
    Kind.PAIRS: PairsField,
    Kind.JSON: JsonField,
}


def _bounds(part: Part) -> dict[str, Any]:
    """What the browser's own controls may know; the schema decides."""
    if part.kind not in (Kind.NUMBER, Kind.INTEGER):
        return {}
    known = {"min": part.schema.get("minimum"), "max": part.schema.get("maximum")}
    return {name: value for name, value in known.items() if value is not None}


def _shown_as_needed(part: Part) -> bool:
    """A field that begins with a default can not be emptied: it would silently get the default again."""
    return not part.nullable and (part.needed or part.default is not ABSENT)
