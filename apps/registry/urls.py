"""Pages of the registry's verbs: families below /models/, promotions below /promotions/."""

from django.urls import path

from apps.registry.web import cards, families, freezes, gates, proposals, rollbacks, unused, waves

app_name = "registry"
urlpatterns = [
    path("models/new/", families.create, name="create-family"),
    path("models/<slug:slug>/settings/", families.edit, name="edit-family"),
    path("models/<slug:slug>/owner/", families.hand_over, name="hand-over"),
    path("models/<slug:slug>/gates/", gates.edit, name="gates"),
    path("models/<slug:slug>/unused/", unused.unused, name="unused"),
    path("models/<slug:slug>/freeze/", freezes.freeze, name="freeze"),
    path("models/versions/<int:version_id>/card/", cards.fill_in, name="fill-card"),
    path("models/<slug:slug>/card/edit/", cards.fill_in_family, name="fill-family-card"),
    path("freezes/", freezes.freezes, name="freezes"),
    path("freezes/<int:freeze_id>/lift/", freezes.lift, name="lift-freeze"),
    path("promotions/", waves.waves, name="waves"),
    path("promotions/new/", proposals.propose, name="propose"),
    path("promotions/roll-back/", rollbacks.roll_back, name="roll-back"),
    path("promotions/rollbacks/<int:rollback_id>/", rollbacks.rollback, name="rollback"),
    path("promotions/<int:wave_id>/", waves.wave, name="wave"),
    path("promotions/<int:wave_id>/approve/", waves.approve, name="approve"),
    path("promotions/<int:wave_id>/reject/", waves.reject, name="reject"),
    path("promotions/<int:wave_id>/withdraw/", waves.withdraw, name="withdraw"),
    path("promotions/<int:wave_id>/advance/", waves.advance, name="advance"),
    path("promotions/<int:wave_id>/live/", waves.post_live_value, name="live-value"),
    path("promotions/<int:wave_id>/undo/", waves.undo, name="undo"),
]
