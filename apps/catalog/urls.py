"""Pages of the catalog."""

from django.urls import path

from apps.catalog.web import decisions, radar, tools

app_name = "catalog"
urlpatterns = [
    path("tools/", tools.tools, name="tools"),
    path("radar/", radar.show, name="radar"),
    path("radar/publish/", radar.publish, name="publish"),
    path("radar/moves/", tools.moves, name="moves"),
    path("radar/moves/<int:pk>/", tools.move, name="move"),
    path("radar/moves/<int:pk>/approve/", tools.approve_move, name="approve-move"),
    path("radar/moves/<int:pk>/refuse/", tools.refuse_move, name="refuse-move"),
    path("radar/moves/<int:pk>/withdraw/", tools.withdraw_move, name="withdraw-move"),
    path("tools/<slug:slug>/", tools.tool, name="tool"),
    path("tools/<slug:slug>/position/", tools.edit_position, name="edit-position"),
    path("tools/<slug:slug>/move/", tools.propose_move, name="propose-move"),
    path("tools/<slug:slug>/review/", tools.review, name="review"),
    path("decisions/", decisions.decisions, name="decisions"),
    path("decisions/<slug:number>/", decisions.decision, name="decision"),
    path("decisions/<slug:number>/accept/", decisions.accept, name="accept"),
    path("decisions/<slug:number>/send-back/", decisions.send_back, name="send-back"),
    path("decisions/<slug:number>/withdraw/", decisions.withdraw, name="withdraw"),
    path("decisions/<slug:number>/close/", decisions.close, name="close"),
]
