"""What the API's description says of every operation at once: how it says no, and that only lists have pages."""

from typing import Any

from drf_spectacular.openapi import AutoSchema

REFUSAL = {
    "type": "object",
    "description": "Why nothing was done: a code for programs, and a sentence for people that says what to do.",
    "properties": {
        "code": {"type": "string"},
        "message": {"type": "string"},
        "field": {"type": "string", "description": "The one field that needs another value."},
        "errors": {"type": "object", "additionalProperties": {"type": "string"}, "description": "By field."},
    },
    "required": ["code", "message"],
}
ANSWER = {
    "description": "The request was refused.",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}},
}


def describe_refusals(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A postprocessing hook of drf-spectacular."""
    result["components"]["schemas"]["Refusal"] = REFUSAL
    for path in result["paths"].values():
        for operation in path.values():
            operation["responses"]["default"] = ANSWER
    return result


class Described(AutoSchema):
    """What is made in one go is answered whole: no page of it, and no filter."""

    def _get_paginator(self) -> Any:
        return super()._get_paginator() if self.method == "GET" else None  # type: ignore[no-untyped-call]

    def get_filter_backends(self) -> list[Any]:
        return list(super().get_filter_backends()) if self.method == "GET" else []  # type: ignore[no-untyped-call]
