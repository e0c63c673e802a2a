"""An endpoint of the protocol as data, and what its function is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from apps.mlflow_protocol.fields import Field

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from apps.accounts.models import User

Body = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """One call: who asks, the fields as the endpoint declares them, and the parts of its address."""

    actor: User
    fields: Mapping[str, Any]
    places: Mapping[str, str]
    request: HttpRequest

    def __getitem__(self, name: str) -> Any:
        return self.fields[name]

    @property
    def home(self) -> str:
        """The portal's own address as the client knows it, without a slash at its end."""
        prefix = self.request.META.get("SCRIPT_NAME", "").rstrip("/")
        return f"{self.request.scheme}://{self.request.get_host()}{prefix}"


@dataclass(frozen=True)
class Endpoint:
    """`path` lies below `…/api/2.0/` (`version`); `{name}` is one part of it, `{name*}` all the rest.

    A function answers the JSON object as a dict, or a response of its own. With `raw` the request's body is the
    function's to read. `reads`: needs the scope to read instead of an action's own; `in_run`: a token of one run may
    call it.
    """

    method: str
    path: str
    answer: Callable[[Call], Body | HttpResponseBase]
    fields: tuple[Field, ...] = ()
    reads: bool = False
    in_run: bool = False
    raw: bool = False
    version: str = "2.0"
