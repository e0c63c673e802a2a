"""The page of notices: what I am mailed, and where my teams are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib import messages
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from apps.accounts.queries import team
from apps.accounts.signed_in import person
from apps.core.errors import PortalError
from apps.notifications import actions, queries
from apps.notifications.forms import ChannelForm, MailForm, chosen

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


def notices(request: HttpRequest) -> HttpResponse:
    form = MailForm(request.POST or None, initial=chosen(queries.choice_of(person(request))))
    if request.method == "POST" and form.is_valid():
        actions.choose_mail(actor=person(request), **form.as_said())
        messages.success(request, "Saved.")
        return redirect("notifications:notices")
    lines = [
        (team, channel, ChannelForm(auto_id=f"id_{team.slug}_%s"))
        for team, channel in queries.channels(person(request))
    ]
    shown = {"form": form, "mails": bool(settings.EMAIL_HOST), "lines": lines}
    return render(request, "notifications/notices.html", shown, status=400 if form.errors else 200)


@require_POST
def set_channel(request: HttpRequest, slug: str) -> HttpResponse:
    form = ChannelForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Enter the address of the channel's incoming webhook.")
        return redirect("notifications:notices")
    try:
        actions.set_channel(actor=person(request), team=team(slug=slug), **form.cleaned_data)
        messages.success(request, "Set. Test it, so that you know that it arrives.")
    except PortalError as error:
        messages.error(request, error.message)
    return redirect("notifications:notices")


@require_POST
def test_channel(request: HttpRequest, slug: str) -> HttpResponse:
    """Waits for the chat's answer."""
    try:
        outcome = actions.greet_channel(actor=person(request), team=team(slug=slug))
    except PortalError as error:
        messages.error(request, error.message)
        return redirect("notifications:notices")
    if outcome.taken:
        messages.success(request, "The channel took it: look there.")
    else:
        messages.error(request, f"The channel did not take it. {outcome.problem}")
    return redirect("notifications:notices")


@require_POST
def remove_channel(request: HttpRequest, slug: str) -> HttpResponse:
    try:
        actions.remove_channel(actor=person(request), team=team(slug=slug))
        messages.success(request, "Nothing is told there any more.")
    except PortalError as error:
        messages.error(request, error.message)
    return redirect("notifications:notices")
