"""`manage.py seed_demo` loads the demo company once; running it again changes nothing."""

from typing import Any

from django.core.management.base import BaseCommand

from apps.demo.seeding import company, stories, tools
from apps.demo.seeding.passwords import demo_password


class Command(BaseCommand):
    help = "Load the fictional company: people, tools, and families of really trained models."

    def handle(self, *args: Any, **options: Any) -> None:
        people = company.seed(demo_password())
        tools.seed(people)
        stories.seed(people)
