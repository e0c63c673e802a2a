"""Pages of accounts."""

from django.urls import path

from apps.accounts import web

app_name = "accounts"
urlpatterns = [
    path("sign-in/", web.SignIn.as_view(), name="sign-in"),
    path("sign-in/single/", web.begin_single_sign_on, name="single-sign-on"),
    path("sign-in/single/return/", web.return_from_single_sign_on, name="single-sign-on-return"),
    path("sign-in/break-glass/<str:link>/", web.break_glass, name="break-glass"),
    path("sign-out/", web.sign_out, name="sign-out"),
    path("profile/", web.profile, name="profile"),
    path("profile/tokens/<str:token_key>/revoke/", web.revoke, name="revoke-token"),
]
