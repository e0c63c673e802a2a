"""Says what the rules of retention would remove today, and with --cut removes it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.template.defaultfilters import filesizeformat

from apps.artifacts.queries import unneeded
from apps.core.context import Door, through
from apps.core.errors import Denied
from apps.retention import actions, queries
from apps.retention.models import Rule


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--dry-run", action="store_true", help="say what would go (the default)")
        how.add_argument("--cut", action="store_true", help="remove what is due, rather than wait for the workers")

    def handle(self, *args: Any, **options: Any) -> None:
        rules = Rule.objects.select_related("family__team", "set_by").order_by("family__slug")
        with through(Door.COMMAND):
            for rule in rules:
                self._tell(rule)
                if options["cut"]:
                    self._cut(rule)
        waiting = unneeded()
        size = _size(waiting.size)
        self.stdout.write(f"{waiting.files} stored files ({size}) that nothing names wait to be removed.")

    def _tell(self, rule: Rule) -> None:
        found = queries.preview(rule.family, queries.terms_of(rule))
        for part in found.parts:
            kept = f"kept {part.days} days" if part.days else "kept for good"
            size = f" ({_size(part.size)})" if part.size else ""
            self.stdout.write(f"{rule.family.slug}: {part.kind.label} {kept}, {part.count} to go{size}")
        if rests := queries.rests_because(rule, rule.family):
            self.stdout.write(f"{rule.family.slug}: {rests}")

    def _cut(self, rule: Rule) -> None:
        pieces = 0
        try:
            while actions.cut_more(rule_id=rule.pk):
                pieces += 1
        except Denied as refusal:
            self.stderr.write(refusal.message)
        newest = queries.cuts(rule.family).first()
        done = f"removed {newest.sums}" if pieces and newest else "nothing was due"
        self.stdout.write(f"{rule.family.slug}: {done}")


def _size(size: int) -> str:
    return filesizeformat(size).replace("\xa0", " ")
