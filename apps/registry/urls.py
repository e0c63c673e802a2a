"""Pages of promotion, below /promotions/."""

from django.urls import path

from apps.registry import web

app_name = "registry"
urlpatterns = [
    path("", web.waves, name="waves"),
    path("new/", web.propose, name="propose"),
    path("roll-back/", web.roll_back, name="roll-back"),
    path("<int:wave_id>/", web.wave, name="wave"),
    path("<int:wave_id>/approve/", web.approve, name="approve"),
    path("<int:wave_id>/reject/", web.reject, name="reject"),
    path("<int:wave_id>/withdraw/", web.withdraw, name="withdraw"),
]
