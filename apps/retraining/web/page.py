"""What the pages of retraining share: who asks, and whether for the whole page or its live part."""

from typing import TYPE_CHECKING

from django.http import HttpRequest

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails

    from apps.accounts.models import User


class PageRequest(HttpRequest):
    """A request of somebody who is signed in, as the middleware has made sure."""

    user: "User"
    htmx: "HtmxDetails"


def template_for(request: PageRequest, page: str, fragment: str) -> str:
    """One address serves both: the page's template, or its named part when htmx asks."""
    return f"{page}#{fragment}" if request.htmx else page
