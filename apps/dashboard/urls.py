"""Pages that bring several parts of the portal together."""

from django.urls import path

from apps.dashboard.web import (
    cards,
    comparing,
    ecosystems,
    evidence,
    families,
    home,
    models,
    segments,
    uses,
    versions,
    worth,
)

app_name = "dashboard"
VERSION = "m/<slug:slug>/<slug:segment>/v<int:number>"
urlpatterns = [
    path("", home.home, name="home"),
    path("waiting/", home.waiting, name="waiting"),
    path("theme/", home.choose_theme, name="theme"),
    path("tools/<slug:slug>/use/", uses.declare_use, name="declare-use"),
    path("catalog/ecosystems/", ecosystems.ecosystems, name="ecosystems"),
    path("experiments/", evidence.experiments, name="experiments"),
    path("experiments/<int:pk>/", evidence.experiment, name="experiment"),
    path("runs/<str:run_id>/", evidence.run, name="run"),
    path("registered-models/", models.models, name="models"),
    path("registered-models/<str:name>/", models.model, name="model"),
    path("models/", families.families, name="families"),
    path("models/<slug:slug>/promote/", families.promote, name="promote"),
    path("models/<slug:slug>/retrain/", families.retrain, name="retrain"),
    path("models/<slug:slug>/evaluate/", families.evaluate, name="evaluate"),
    path("models/<slug:slug>/versions/", comparing.versions, name="versions"),
    path("models/<slug:slug>/versions/course/", comparing.course, name="course"),
    path("models/<slug:slug>/compare/", comparing.compare, name="compare"),
    path("models/<slug:slug>/worth-it/", worth.worth_it, name="worth-it"),
    path("models/<slug:slug>/worth-it.csv", worth.worth_it_csv, name="worth-it-csv"),
    path("models/<slug:slug>/worth-it/compare/", worth.compare_with_shared, name="compare-with-shared"),
    path("models/<slug:slug>/card/", cards.family_card, name="card"),
    path("models/<slug:slug>/card.md", cards.family_card_file, {"kind": "md"}, name="card-md"),
    path("models/<slug:slug>/card.json", cards.family_card_file, {"kind": "json"}, name="card-json"),
    path("m/<slug:slug>/", families.family, name="family"),
    path("m/<slug:slug>/fleet.csv", families.fleet_csv, name="fleet-csv"),
    path("m/<slug:slug>/<slug:segment>/", segments.segment, name="segment"),
    path(f"{VERSION}/", versions.version, name="version"),
    path(f"{VERSION}/card/", cards.version_card, name="version-card"),
    path(f"{VERSION}/card.md", cards.version_card_file, {"kind": "md"}, name="version-card-md"),
    path(f"{VERSION}/card.json", cards.version_card_file, {"kind": "json"}, name="version-card-json"),
]
