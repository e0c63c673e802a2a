"""A real OpenID provider, django-oauth-toolkit, in a process of its own. Whom it knows stands in `people.json` of its
folder, which plays the company's directory: tests write it anew.

    python -m tests.outside.provider FOLDER PORT PORTAL
"""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import django
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings

NAME = "https://portal.example.org"  # the portal behind a proxy
CLIENT, SECRET = "portal", "the-portals-own-secret"
PASSWORD = "the-directory-knows-it"
SCOPES = {"openid": "Who you are", "email": "Address", "profile": "Name", "offline_access": "Ask again"}


def configure(folder: Path, port: int) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    settings.configure(
        SECRET_KEY="the-provider-is-somebody-else-" * 2,
        ALLOWED_HOSTS=["127.0.0.1"],
        DIRECTORY=folder / "people.json",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "provider.sqlite3"}},
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "oauth2_provider",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                    ]
                },
            }
        ],
        AUTHENTICATION_BACKENDS=["tests.outside.provider_people.Directory"],
        ROOT_URLCONF="tests.outside.provider_people",
        SESSION_COOKIE_NAME="provider",  # a browser keeps cookies by host, not by port
        LOGIN_URL="/login/",
        USE_TZ=True,
        OAUTH2_PROVIDER={
            "OIDC_ENABLED": True,
            "OIDC_ISS_ENDPOINT": f"http://127.0.0.1:{port}/o",
            "OIDC_RSA_PRIVATE_KEY": pem.decode(),
            "OIDC_RP_INITIATED_LOGOUT_ENABLED": True,
            "OIDC_RP_INITIATED_LOGOUT_ALWAYS_PROMPT": False,
            "OAUTH2_VALIDATOR_CLASS": "tests.outside.provider_people.Claims",
            "SCOPES": SCOPES,
            "PKCE_REQUIRED": True,
            "ROTATE_REFRESH_TOKEN": True,
        },
    )
    django.setup()


def fill(portal: str) -> None:
    from django.core.management import call_command
    from oauth2_provider.models import Application

    call_command("migrate", verbosity=0)
    Application.objects.create(
        name="ML Portal",
        client_id=CLIENT,
        client_secret=SECRET,
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_AUTHORIZATION_CODE,
        redirect_uris=" ".join(f"{known}/accounts/sign-in/single/return/" for known in (portal, NAME)),
        post_logout_redirect_uris=f"{portal}/accounts/sign-in/",
        algorithm=Application.RS256_ALGORITHM,
        skip_authorization=True,
    )


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Silent(WSGIRequestHandler):
    def log_message(self, *args: Any) -> None:
        """Says nothing."""


def main(folder: Path, port: int, portal: str) -> None:
    configure(folder, port)
    fill(portal)
    from django.core.wsgi import get_wsgi_application

    server = make_server("127.0.0.1", port, get_wsgi_application(), Server, Silent)
    threading.Thread(target=server.serve_forever).start()


def write(folder: Path, people: dict[str, Any]) -> None:
    """The directory as it is from now on."""
    fresh = folder / "people.json.new"
    fresh.write_text(json.dumps(people))
    fresh.replace(folder / "people.json")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
