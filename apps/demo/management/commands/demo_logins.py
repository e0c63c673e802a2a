"""`manage.py demo_logins` prints who can sign in to the demo."""

from typing import Any

from django.core.management.base import BaseCommand

from apps.demo.seeding.company import ADMIN, LOGINS
from apps.demo.seeding.passwords import demo_password


class Command(BaseCommand):
    help = "Print the demo logins, one per role, and their password."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"Demo logins (password of all: {demo_password()})")
        for login in (*LOGINS, ADMIN):
            self.stdout.write(f"  {login.username:<10} {login.name}, {login.does}")
