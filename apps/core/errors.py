"""The one error family: a sentence for a person, and what each door makes of it.

A page shows the sentence, the API answers `{"code", "message", "field"}`.
"""


class PortalError(Exception):
    """Base of all refusals; `message` says what happened and what to do."""

    code = "error"
    status = 400

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class Invalid(PortalError):
    """What was sent can not be taken; `field` names the part that is wrong (a path such as `parameters.alpha`)."""

    code = "invalid"
    status = 400

    def __init__(self, message: str, *, field: str | None = None, errors: dict[str, str] | None = None) -> None:
        super().__init__(message, field=field)
        self.errors = errors or ({field: message} if field else {})


class Denied(PortalError):
    """The person or the token may not do this."""

    code = "denied"
    status = 403


class Missing(PortalError):
    """It does not exist, or the person may not know that it does."""

    code = "missing"
    status = 404


class Exists(PortalError):
    """The name is taken."""

    code = "exists"
    status = 409


class Conflict(PortalError):
    """Somebody was faster, or the state does not allow it."""

    code = "conflict"
    status = 409


class Unavailable(PortalError):
    """Something that the portal stands on is away; trying again later is right."""

    code = "unavailable"
    status = 503
