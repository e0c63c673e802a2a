"""Verbs of files: of runs, of logged models, of uploads. They are evidence until a version seals a copy of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

from apps.artifacts.actions import create_tree, put_file, remove_files
from apps.core.errors import Missing
from apps.core.permissions import require
from apps.tracking.checking import check_active
from apps.tracking.models import LoggedModel, Run, Upload

if TYPE_CHECKING:
    from uuid import UUID

    from apps.accounts.models import User


def check_run_file(*, actor: User, run: Run) -> None:
    """Asked before a large file is sent; `put_run_file` asks again."""
    require(actor, "tracking.write_run", run)
    check_active(run)


def put_run_file(*, actor: User, run: Run, path: str, source: BinaryIO) -> None:
    """The path has these bytes from now on. Raises Conflict where a version stands on the run's files."""
    check_run_file(actor=actor, run=run)
    put_file(tree=run.tree, path=path, source=source)


def remove_run_files(*, actor: User, run: Run, path: str) -> None:
    """A file, or a folder with all in it; nothing happens where there is none."""
    require(actor, "tracking.write_run", run)
    remove_files(tree=run.tree, path=path)


def check_model_file(*, actor: User, model: LoggedModel) -> None:
    """Asked before a large file is sent; `put_model_file` asks again."""
    require(actor, "tracking.write_logged_model", model)


def put_model_file(*, actor: User, model: LoggedModel, path: str, source: BinaryIO) -> None:
    check_model_file(actor=actor, model=model)
    put_file(tree=model.tree, path=path, source=source)


def remove_model_files(*, actor: User, model: LoggedModel, path: str) -> None:
    require(actor, "tracking.write_logged_model", model)
    remove_files(tree=model.tree, path=path)


def check_upload_file(*, actor: User, pk: UUID) -> None:
    """Asked before a large file is sent; `put_upload_file` asks again."""
    require(actor, "tracking.upload", Upload(pk=pk, user=actor))


def put_upload_file(*, actor: User, pk: UUID, path: str, source: BinaryIO) -> None:
    """The first file begins the upload. Raises Missing for somebody else's."""
    check_upload_file(actor=actor, pk=pk)
    fresh: dict[str, Any] = {"user": actor, "tree": create_tree}
    upload, _ = Upload.objects.select_related("tree").get_or_create(pk=pk, defaults=fresh)
    if upload.user_id != actor.pk:
        raise Missing("There is no such upload of yours; choose another id.")
    put_file(tree=upload.tree, path=path, source=source)


def remove_upload_files(*, actor: User, pk: UUID, path: str) -> None:
    """Raises Missing for an upload that is not there, or somebody else's."""
    require(actor, "tracking.upload", Upload(pk=pk, user=actor))
    upload = Upload.objects.visible_to(actor).select_related("tree").filter(pk=pk).first()
    if upload is None:
        raise Missing("There is no such upload of yours.")
    remove_files(tree=upload.tree, path=path)
