"""Pages of accounts."""

from django.urls import path

from apps.accounts.web import profile, services, sign_in

app_name = "accounts"
urlpatterns = [
    path("sign-in/", sign_in.SignIn.as_view(), name="sign-in"),
    path("sign-in/single/", sign_in.begin_single_sign_on, name="single-sign-on"),
    path("sign-in/single/return/", sign_in.return_from_single_sign_on, name="single-sign-on-return"),
    path("sign-in/break-glass/<str:link>/", sign_in.break_glass, name="break-glass"),
    path("sign-out/", sign_in.sign_out, name="sign-out"),
    path("profile/", profile.profile, name="profile"),
    path("profile/password/", profile.password, name="password"),
    path("profile/tokens/<str:token_key>/revoke/", profile.revoke, name="revoke-token"),
    path("services/", services.teams, name="services"),
    path("services/<slug:slug>/", services.team, name="services-of"),
    path("services/<slug:slug>/tokens/<str:token_key>/revoke/", services.revoke, name="revoke-service-token"),
]
