"""Files in and out: an import with its difference first, downloads for other products."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import render

from apps.accounts.signed_in import person
from apps.catalog import actions, downloads
from apps.catalog.forms import ImportForm
from apps.catalog.references import resolved
from apps.catalog.web.page import tried
from apps.core.downloads import text_download
from apps.core.permissions import require

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from apps.catalog.actions import Difference


def import_page(request: HttpRequest) -> HttpResponse:
    """First the difference, then, with “import” pressed, the same written."""
    require(person(request), "catalog.edit")
    form = ImportForm(request.POST or None, request.FILES or None)
    made: list[Difference] = []
    if request.method == "POST" and form.is_valid():
        tried(form, lambda: made.append(_import(request, form)))
        form.keep_text()
    shown = {"form": form, "difference": made[0] if made else None, "downloads": downloads.NAMES}
    return render(request, "catalog/import.html", shown, status=400 if form.errors else 200)


def _import(request: HttpRequest, form: ImportForm) -> Difference:
    said = resolved(person(request), form.cleaned_data)
    said.pop("file")
    return actions.import_file(actor=person(request), dry_run="import" not in request.POST, **said)


def export(request: HttpRequest, name: str) -> HttpResponse:
    """The catalog as another product reads it."""
    made = downloads.file_of(name, actor=person(request), site=request.build_absolute_uri("/").rstrip("/"))
    return text_download(made.text, name=name, kind=made.kind)
