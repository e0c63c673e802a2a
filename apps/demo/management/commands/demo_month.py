"""`manage.py demo_month` lets the next month's labels arrive, and the drift with them."""

from calendar import monthrange
from datetime import date, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.demo.seeding import company, eta, stories
from apps.demo.seeding.passwords import demo_password

LAST = date(2013, 12, 31)


class Command(BaseCommand):
    help = "Reveal the next month of the demo's trips and look at the champions again."

    def handle(self, *args: Any, **options: Any) -> None:
        people = company.seed(demo_password())
        owned = stories.known(people)
        family = owned[eta.FAMILY]
        if family.labelled_until is None or family.labelled_until >= LAST:
            raise CommandError("The demo's data ends with December 2013: there is no next month.")
        until = _end_of_month(family.labelled_until + timedelta(days=1))
        stories.look_again(people, stories.reveal(people, owned, until))
        self.stdout.write(f"There are labels until {until} now.")


def _end_of_month(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])
