"""The home page, and the choice of light or dark."""

from django.conf import settings
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.signed_in import person
from apps.core.errors import Invalid
from apps.core.templatetags.portal import THEME_COOKIE, THEMES
from apps.core.web import PageRequest, inside
from apps.dashboard import queries

A_YEAR = 365 * 24 * 3600


def home(request: PageRequest) -> HttpResponse:
    """My work: what waits for me, what runs, how my models do."""
    prefetch_related_objects([person(request)], "portal_roles")
    return render(request, "dashboard/home.html", {"work": queries.my_work(actor=person(request))})


@require_safe
def waiting(request: PageRequest) -> HttpResponse:
    """How much waits for the reader, for the rail: asked for after the page, so that no page waits for it."""
    prefetch_related_objects([person(request)], "portal_roles")
    return render(request, "dashboard/_waiting_count.html", {"count": queries.waiting_count(actor=person(request))})


@require_POST
def choose_theme(request: HttpRequest) -> HttpResponse:
    """Keeps light, dark or auto in a cookie of this browser and returns to where the reader was."""
    theme = request.POST.get("theme", "")
    if theme not in THEMES:
        raise Invalid(f"There is no theme {theme[:20]!r}: choose light, dark or auto.", field="theme")
    response = redirect(inside(request, request.POST.get("next", "/")))
    response.set_cookie(THEME_COOKIE, theme, max_age=A_YEAR, secure=not settings.LOCAL, httponly=True, samesite="Lax")
    return response
