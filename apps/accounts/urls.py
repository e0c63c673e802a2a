"""Pages of accounts."""

from django.contrib.auth import views as auth
from django.urls import path

from apps.accounts import web

app_name = "accounts"
urlpatterns = [
    path(
        "sign-in/",
        auth.LoginView.as_view(template_name="accounts/sign_in.html", redirect_authenticated_user=True),
        name="sign-in",
    ),
    path("sign-out/", auth.LogoutView.as_view(), name="sign-out"),
    path("profile/", web.profile, name="profile"),
    path("profile/tokens/<str:token_key>/revoke/", web.revoke, name="revoke-token"),
]
