"""How pages say what an action refused."""

from django.forms import Form

from apps.core.errors import Invalid, PortalError


def tell(form: Form, error: PortalError) -> None:
    """Each sentence at its field where the form has it, else above the form."""
    sentences = error.errors if isinstance(error, Invalid) and error.errors else {error.field or "": error.message}
    for name, sentence in sentences.items():
        form.add_error(name if name in form.fields else None, sentence)


def faults(form: Form) -> str:
    """All that is wrong with a small form, for a page that does not show it again."""
    return " ".join(str(error) for errors in form.errors.values() for error in errors)
