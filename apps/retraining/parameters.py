"""Parameters of a pipeline against its JSON Schema (2020-12): pure, and the only place that judges them."""

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import datetime, time
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from referencing import Registry
from referencing.exceptions import Unresolvable

from apps.core.errors import Invalid

ROOT = "parameters"
FORMATS = FormatChecker()
"""Of the checker's own formats those that need no other library, and times with their zone as RFC 3339 wants them."""
LONGEST_VALUES = 65_536  # bytes of JSON: a parameter is a setting, data belongs into the lake
LONGEST_SCHEMA = 262_144
NOWHERE: Registry[Any] = Registry()  # resolves nothing from outside: no address is ever fetched


@FORMATS.checks("date-time", raises=ValueError)
def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or ("T" in value and datetime.fromisoformat(value).tzinfo is not None)


@FORMATS.checks("time", raises=ValueError)
def _is_time(value: object) -> bool:
    return not isinstance(value, str) or time.fromisoformat(value).tzinfo is not None


def check_schema(schema: Mapping[str, Any]) -> None:
    """Raises Invalid for what is no schema, is no object's, or would ask people for secrets; `errors` by path."""
    if errors := schema_mistakes(schema):
        raise Invalid(next(iter(errors.values())), field="schema", errors=errors)


def schema_mistakes(schema: object) -> dict[str, str]:
    """Path, such as `schema.properties.alpha`, → sentence."""
    if not isinstance(schema, Mapping) or schema.get("type") != "object" or "properties" not in schema:
        return {"schema": "The schema has to describe an object: 'type: object', and its 'properties'."}
    try:
        if len(json.dumps(schema, allow_nan=False)) > LONGEST_SCHEMA:
            return {"schema": f"The schema may have {LONGEST_SCHEMA:,} bytes."}
    except (TypeError, ValueError, RecursionError):
        return {"schema": "The schema has to be plain JSON: no endless numbers, no deep nesting."}
    order = schema.get("x-order", [])
    if not isinstance(order, list) or not all(isinstance(name, str) for name in order):
        return {"schema.x-order": "The order is a list of the parameters' names."}
    meta = Draft202012Validator(Draft202012Validator.META_SCHEMA)
    found = {
        _joined("schema", error): f"This is no JSON Schema 2020-12: {error.message[:300]}."
        for error in meta.iter_errors(schema)
    }
    if found:
        return found
    parts = list(_parts(schema))
    return {path: told for path, part in parts if (told := _secret(path, part) or _outside(path, part))}


def mistakes(schema: Mapping[str, Any], values: Mapping[str, Any], *, noun: str = "parameter") -> dict[str, str]:
    """All that is wrong with the values once the defaults are filled in: path below them → sentence."""
    filled = _with_defaults(schema, values)
    errors = _unknown(schema, filled, ROOT, noun) | _broken(schema, filled)
    return {path.removeprefix(ROOT).removeprefix("."): sentence for path, sentence in errors.items()}


def validate(schema: Mapping[str, Any], values: object) -> dict[str, Any]:
    """The values with the schema's defaults filled in.

    Raises Invalid whose `errors` map paths such as `parameters.alpha` to sentences. Keys that the schema does not
    name are refused, so that a misspelt parameter is never ignored in silence.
    """
    if not isinstance(values, Mapping):
        raise Invalid("The parameters have to be an object of names and values.", field=ROOT)
    _check_storable(values)
    filled = _with_defaults(schema, values)
    errors = _unknown(schema, filled, ROOT) | _broken(schema, filled)
    if errors:
        raise Invalid(_summary(errors), errors=errors)
    return filled


def _secret(path: str, part: Mapping[str, Any]) -> str:
    if part.get("writeOnly") is True or part.get("format") == "password":
        return f"{path} is a secret, and those never pass through a form: put it into the platform's own connection."
    return ""


def _outside(path: str, part: Mapping[str, Any]) -> str:
    for word in ("$ref", "$dynamicRef"):
        if not str(part.get(word, "#")).startswith("#"):
            return f"{path} refers to another document; write its definition into '$defs'."
    return ""


def _parts(schema: object, path: str = "schema") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every object inside the schema with its path."""
    if isinstance(schema, Mapping):
        yield path, schema
        for name, part in schema.items():
            yield from _parts(part, f"{path}.{name}")
    elif isinstance(schema, list):
        for position, part in enumerate(schema):
            yield from _parts(part, f"{path}.{position}")


def _check_storable(values: Mapping[str, Any]) -> None:
    """What PostgreSQL and a script can read back: finite numbers, real text, no more than the limit."""
    try:
        size = len(json.dumps(values, allow_nan=False, ensure_ascii=False).encode())
    except (TypeError, ValueError, RecursionError) as error:
        message = "The parameters have to be plain JSON: no endless numbers, no broken text, no deep nesting."
        raise Invalid(message, field=ROOT) from error
    if size > LONGEST_VALUES:
        message = f"The parameters have {size:,} bytes and may have {LONGEST_VALUES:,}: put data into the data folder."
        raise Invalid(message, field=ROOT)
    if "\\u0000" in json.dumps(values):
        raise Invalid("The parameters may not hold the character NUL.", field=ROOT)


def _with_defaults(schema: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    filled = {name: deepcopy(value) for name, value in values.items()}
    for name, part in _properties(schema).items():
        if name not in filled and isinstance(part, Mapping) and "default" in part:
            filled[name] = deepcopy(part["default"])
        if isinstance(filled.get(name), Mapping) and isinstance(part, Mapping):
            filled[name] = _with_defaults(part, filled[name])
    return filled


def _properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    properties = schema.get("properties", {})
    return properties if isinstance(properties, Mapping) else {}


def _unknown(
    schema: Mapping[str, Any], values: Mapping[str, Any], path: str, noun: str = "parameter"
) -> dict[str, str]:
    errors = {}
    properties = _properties(schema)
    if properties and not schema.get("additionalProperties") and not schema.get("patternProperties"):
        sentence = f"There is no such {noun}; there are {', '.join(properties)}."
        errors = {f"{path}.{name}": sentence for name in values if name not in properties}
    for name, part in properties.items():
        if isinstance(values.get(name), Mapping) and isinstance(part, Mapping):
            errors |= _unknown(part, values[name], f"{path}.{name}", noun)
    return errors


def _broken(schema: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, str]:
    validator = Draft202012Validator(schema, format_checker=FORMATS, registry=NOWHERE)
    try:
        found = sorted(validator.iter_errors(values), key=lambda error: [str(step) for step in error.absolute_path])
    except (Unresolvable, RecursionError) as error:
        raise Invalid("The pipeline's schema can not be followed; tell its team.", field=ROOT) from error
    errors: dict[str, str] = {}
    for broken in found:
        if broken.validator != "additionalProperties":  # told by _unknown, in better words
            errors.setdefault(_path(broken), _sentence(broken))
    return errors


def _joined(root: str, error: ValidationError) -> str:
    return ".".join([root, *(str(step) for step in error.absolute_path)])


def _path(error: ValidationError) -> str:
    steps = [str(step) for step in error.absolute_path]
    if error.validator == "required" and isinstance(error.instance, Mapping):
        needed = error.validator_value if isinstance(error.validator_value, list) else []
        steps += [str(name) for name in needed if name not in error.instance][:1]
    return ".".join([ROOT, *steps])


def _sentence(error: ValidationError) -> str:
    limit = error.validator_value
    sentences = {
        "required": "This is needed.",
        "minimum": f"This has to be at least {limit}.",
        "maximum": f"This may be at most {limit}.",
        "exclusiveMinimum": f"This has to be more than {limit}.",
        "exclusiveMaximum": f"This has to be less than {limit}.",
        "multipleOf": f"This has to be a multiple of {limit}.",
        "minLength": f"This needs at least {limit} characters.",
        "maxLength": f"This may have at most {limit} characters.",
        "minItems": f"Choose at least {limit}.",
        "maxItems": f"Choose at most {limit}.",
        "uniqueItems": "Each may be chosen once.",
        "type": f"This has to be {_kind(limit)}.",
        "format": f"This is no {str(limit).replace('-', ' ')}{_example(str(limit))}.",
        "pattern": f"This has to look like {limit}.",
        "enum": f"Choose one of {_choices(limit)}.",
        "const": f"This has to be {limit}.",
    }
    return sentences.get(str(error.validator), f"{error.message[:300]}.")


def _kind(wanted: object) -> str:
    names = {
        "integer": "a whole number", "number": "a number", "string": "text", "boolean": "yes or no (true or false)",
        "array": "a list", "object": "an object", "null": "empty",
    }  # fmt: skip
    kinds = wanted if isinstance(wanted, list) else [wanted]
    return " or ".join(names.get(str(kind), str(kind)) for kind in kinds)


def _example(wanted: str) -> str:
    examples = {"date": "2013-07-01", "date-time": "2013-07-01T12:00:00Z", "time": "12:00:00Z"}
    return f" (write it like {examples[wanted]})" if wanted in examples else ""


def _choices(limit: object) -> str:
    return ", ".join(str(choice) for choice in limit) if isinstance(limit, list) else str(limit)


def _summary(errors: Mapping[str, str]) -> str:
    path, sentence = next(iter(errors.items()))
    name = path.removeprefix(f"{ROOT}.")
    more = f" ({len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{name}: {sentence}{more}"
