"""`manage.py pipelines push FILE [--dry-run]` defines pipelines from a file; `pipelines show SLUG` writes one."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts import queries as accounts
from apps.core.errors import Missing, PortalError
from apps.retraining import queries
from apps.retraining.actions import NotTaken, Pushed, push_pipelines
from apps.retraining.differences import Difference, Kind, shortened
from apps.retraining.pipeline_files import written
from apps.retraining.queries.pipelines import definition_of

if TYPE_CHECKING:
    from apps.accounts.models import User

SIGNS = {Kind.ADDED: "+", Kind.REMOVED: "-", Kind.CHANGED: "~"}


class Command(BaseCommand):
    help = "Define pipelines from a file of YAML, or write one as such a file."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        push = verbs.add_parser("push", help="define all pipelines of a file, or none")
        push.add_argument("file", type=Path)
        push.add_argument("--dry-run", action="store_true", help="only say what would change")
        show = verbs.add_parser("show", help="write a pipeline as the file that would define it")
        show.add_argument("slug")
        for verb in (push, show):
            verb.add_argument("--as", dest="username", default="admin", help="the platform admin who does it (admin)")

    def handle(self, *args: Any, verb: str, **options: Any) -> None:
        try:
            self._push(**options) if verb == "push" else self._show(**options)
        except NotTaken as error:
            lines = [f"{options['file']}:{problem.line}: {problem.sentence}" for problem in error.problems]
            raise CommandError("\n".join([*lines, "Nothing was changed."])) from error
        except PortalError as error:
            raise CommandError(error.message) from error

    def _push(self, *, file: Path, dry_run: bool, username: str, **_: Any) -> None:
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{file} can not be read: {error}") from error
        actor = _who(username)
        pushed = push_pipelines(actor=actor, text=text, beside=file.parent, dry_run=dry_run)
        for one in pushed:
            self._tell(one)
        verb = "Would change" if dry_run else "Changed"
        self.stdout.write(f"{verb} {sum(one.outcome != 'the same' for one in pushed)} of {len(pushed)} pipelines.")

    def _tell(self, one: Pushed) -> None:
        self.stdout.write(f"{one.slug} v{one.version}: {one.outcome}")
        for difference in one.differences:
            self.stdout.write(f"  {SIGNS[difference.kind]} {difference.path}{_values(difference)}")

    def _show(self, *, slug: str, username: str, **_: Any) -> None:
        pipeline = queries.pipeline(actor=_who(username), slug=slug)
        self.stdout.write(written(slug, definition_of(pipeline)), ending="")


def _who(username: str) -> "User":
    try:
        return accounts.user(username=username)
    except Missing as error:
        raise CommandError(f"{error.message} Name a platform admin by --as.") from error


def _values(one: Difference) -> str:
    if one.kind is Kind.CHANGED:
        return f": {shortened(one.before)} → {shortened(one.after)}"
    return f": {shortened(one.after if one.kind is Kind.ADDED else one.before)}"
