"""A page with every component once, over example figures: for the tests of templates only."""

from dataclasses import dataclass
from datetime import UTC, datetime

from django import forms
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import include, path

from apps.core import charts

NASTY = """<script>alert("1")</script> & 'quoted' """
CITIES = [
    ("Atlanta", "Southeast", 11.2, 6.6, -4.6, -5.1, -4.0, "pass"),
    ("Boston", "Northeast", 6.42, 6.38, -0.04, -0.9, 0.8, "inconclusive"),
    ("San Juan", "Caribbean", 9.01, 11.4, 2.39, 1.1, 3.2, "fail"),
    ("Honolulu", "Pacific", None, 14.2, 0.0, -2.0, 2.0, "not_evaluated"),
]
STATUSES = (
    *("waiting", "sent", "running", "succeeded", "failed", "cancelled", "no_data", "finished_with_failures"),
    *("proposed", "applied", "rejected", "superseded", "expired", "pass", "fail", "inconclusive"),
    *("adopt", "trial", "assess", "hold", "retired"),
)


class GalleryForm(forms.Form):
    name = forms.CharField(help_text="What will use it.")
    months = forms.IntegerField(min_value=1, max_value=6, label="Months of data")
    features = forms.MultipleChoiceField(
        choices=[(f, f) for f in ("distance", "hour", "wind", "precipitation")], widget=forms.CheckboxSelectMultiple
    )
    notify = forms.BooleanField(required=False, label="Tell me when it is done", help_text="By mail.")
    kind = forms.ChoiceField(choices=[("ridge", "Ridge"), ("boosting", "Boosting")], widget=forms.RadioSelect)
    why = forms.CharField(widget=forms.Textarea, required=False)


@dataclass(frozen=True)
class Row:
    city: str
    region: str
    mae: float | None
    candidate: float
    change: float
    low: float
    high: float
    gate: str

    @property
    def tone(self) -> str:
        return "ok" if self.high < 0 else "bad" if self.low > 0 else ""

    @property
    def whisker(self) -> charts.Whisker:
        return charts.whisker(self.low, self.high, self.change, reach=6)


def gallery(request: HttpRequest) -> HttpResponse:
    """Every component, with a form that has errors and with text that tries to break out."""
    months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul"]
    champion = charts.Series("Champion", [8.0, 8.1, 8.0, 8.0, 8.9, 9.9, 11.2])
    candidate = charts.Series("Retrained", [None, None, None, 8.0, 7.1, 6.7, 6.6])
    shown = {
        "form": GalleryForm({"name": "", "months": "9", "kind": "ridge"}),
        "page": Paginator(range(400), 20).page(7),
        "rows": [Row(*city) for city in CITIES],
        "chart": charts.line_chart([champion, candidate], months),
        "bars": charts.bar_chart([81, 12, 0, 40, 81, 3, 81], months),
        "spark": charts.sparkline([8, 8.1, 8, 8.9, 9.9, 11.2]),
        "parts": [
            charts.Part("succeeded", 60, "ok"), charts.Part("no data", 3, "warn"), charts.Part("failed", 2, "bad"),
            charts.Part("running", 4, "info"), charts.Part("waiting", 12, "idle"),
        ],
        "statuses": STATUSES,
        "moment": datetime(2026, 1, 5, 12, tzinfo=UTC),
        "nasty": NASTY,
        "decision": "# Context\n\nWe *need* a [queue](https://example.org).\n\n| a | b |\n|---|---|\n| 1 | 2 |",
    }  # fmt: skip
    return render(request, "gallery.html", shown)


urlpatterns = [path("gallery/", gallery), path("", include("portal.urls"))]
handler404 = "apps.core.web.page_missing"
