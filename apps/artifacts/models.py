"""Files of models and runs: bytes are stored once under their sha256; a tree gives them paths and can be sealed."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.artifacts.paths import LONGEST_PATH

SHA256 = r"^[0-9a-f]{64}$"
EMPTY_OR_DOT_SEGMENT = r"(^|/)\.{0,2}(/|$)"


class Blob(models.Model):
    """Bytes in the store, or that were there. The database refuses every change of what they are."""

    sha256 = models.CharField(max_length=64, primary_key=True)
    size = models.BigIntegerField(help_text="Bytes.")
    unneeded_since = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Since when no tree whose files are kept names them."
    )
    removed_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="When they left the store.")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(removed_at=None) | Q(unneeded_since__isnull=False), name="only_unneeded_bytes_are_removed"
            ),
            models.CheckConstraint(condition=Q(sha256__regex=SHA256), name="a_blob_is_named_by_its_sha256"),
            models.CheckConstraint(condition=Q(size__gte=0), name="a_blob_has_a_size"),
        ]

    def __str__(self) -> str:
        return self.sha256


class Tree(models.Model):
    """The files of a run or of an upload. Once sealed, the database refuses every change of it and of its files.

    Of a tree that was cut the paths, sizes and digests stay, and nobody is handed the bytes any more.
    """

    created_at = models.DateTimeField(db_default=Now(), editable=False)
    sealed_at = models.DateTimeField(null=True, editable=False)
    digest = models.CharField(
        max_length=64,
        blank=True,
        editable=False,
        help_text="sha256 of the sorted lines 'path sha256 size'; set by sealing.",
    )
    cut_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="When its bytes were given up.")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(sealed_at=None, digest="") | Q(sealed_at__isnull=False, digest__regex=SHA256),
                name="a_sealed_tree_has_a_digest",
            )
        ]

    def __str__(self) -> str:
        return f"files {self.pk}"

    @property
    def is_sealed(self) -> bool:
        return self.sealed_at is not None

    @property
    def farewell(self) -> str:
        """Why its bytes are not to be had any more; empty while they are."""
        if self.cut_at is None:
            return ""
        day = f"{self.cut_at.day} {self.cut_at:%B %Y}"
        return f"These files were removed on {day} by their family's rule of retention; their digests stay."


class TreeFile(models.Model):
    """One path of a tree."""

    tree = models.ForeignKey(Tree, models.CASCADE, related_name="files")
    path = models.CharField(max_length=LONGEST_PATH)
    blob = models.ForeignKey(Blob, models.PROTECT, related_name="+")

    class Meta:
        ordering = ["path"]
        constraints = [
            models.UniqueConstraint(fields=["tree", "path"], name="a_path_is_in_a_tree_once"),
            models.CheckConstraint(
                condition=~Q(path__regex=EMPTY_OR_DOT_SEGMENT) & ~Q(path__contains="\\"),
                name="a_path_stays_inside_its_tree",
            ),
        ]

    def __str__(self) -> str:
        return self.path

    @property
    def size(self) -> int:
        """Bytes."""
        return self.blob.size
