"""API shapes of models, versions, their files and aliases."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.registry.cards import Card, as_google, as_markdown
from apps.registry.models import (
    ModelVersion,
    RegisteredModel,
)
from apps.tracking.queries import reported

Names = serializers.Field[Any, Any, Any, Any]


class VersionSerializer(serializers.ModelSerializer[ModelVersion]):
    model = serializers.CharField(source="model.name")
    family = serializers.CharField(source="model.family.slug", allow_null=True, default=None)
    segment = serializers.CharField(source="model.segment.slug", allow_null=True, default=None)
    run = serializers.CharField(source="run_id", allow_null=True, help_text="The tracking run it came from.")
    aliases: Names = serializers.SlugRelatedField("name", many=True, read_only=True)
    created_by = serializers.CharField(source="created_by.username")

    class Meta:
        model = ModelVersion
        fields: ClassVar = [
            "id",
            "model",
            "number",
            "family",
            "segment",
            "status",
            "kind",
            "aliases",
            "run",
            "digest",
            "trained_from",
            "trained_through",
            "pipeline",
            "created_by",
            "created_at",
        ]


class VersionDetailSerializer(VersionSerializer):
    parameters = serializers.JSONField()
    card = serializers.DictField(child=serializers.CharField(), help_text="What it is for, its limits: texts by key.")
    reported = serializers.SerializerMethodField(help_text="What the training code said about itself; decides nothing.")

    class Meta(VersionSerializer.Meta):
        fields: ClassVar = [
            *VersionSerializer.Meta.fields,
            *("description", "status_message", "source", "card", "parameters", "reported"),
        ]

    @extend_schema_field({"type": "object", "additionalProperties": {"type": "number", "nullable": True}})
    def get_reported(self, version: ModelVersion) -> dict[str, float | None]:
        """JSON has no word for what is not finite, so that is null."""
        found = reported(version.run) if version.run else {}
        return {key: value if abs(value) < float("inf") else None for key, value in found.items()}


class DescriptionSerializer(serializers.Serializer[Any]):
    description = serializers.CharField(allow_blank=True, max_length=20_000)


class CardSerializer(serializers.Serializer[Any]):
    card = serializers.DictField(
        child=serializers.CharField(allow_blank=True, max_length=5_000), help_text="Texts by key, such as `purpose`."
    )


class SeenCardSerializer(CardSerializer):
    seen = serializers.CharField(
        allow_null=True, default=None, max_length=64, help_text="As it was answered to whoever edits; 409 if changed."
    )


class CardFieldSerializer(serializers.Serializer[Any]):
    """A field of a card: its text as Markdown, and who says it: the version, its family, the record, or nobody."""

    name = serializers.CharField(source="field.name")
    section = serializers.CharField(source="field.section")
    text = serializers.CharField(allow_blank=True)
    said_by = serializers.CharField(source="source", allow_blank=True)
    asked_for = serializers.BooleanField(source="required")


class WholeCardSerializer(serializers.Serializer[Any]):
    """A model card in Google's sections, and in the two forms that others read."""

    name = serializers.CharField(source="facts.name")
    fields_ = CardFieldSerializer(source="said", many=True)
    more = serializers.DictField(child=serializers.CharField(allow_blank=True), help_text="Under names of their own.")
    filled = serializers.IntegerField(help_text="How many fields say something.")
    missing = serializers.ListField(child=serializers.CharField(), help_text="What is asked for and nobody said.")
    seen = serializers.CharField(source="digest", help_text="Send it back with your changes.")
    markdown = serializers.SerializerMethodField(help_text="With Hugging Face's front matter.")
    model_card = serializers.SerializerMethodField(help_text="As Google's model card toolkit reads it.")

    def get_fields(self) -> dict[str, Any]:
        """The list of fields is called `fields`, a name that serializers keep for themselves."""
        found = super().get_fields()
        found["fields"] = found.pop("fields_")
        return found

    def get_markdown(self, card: Card) -> str:
        return as_markdown(card)

    @extend_schema_field({"type": "object", "additionalProperties": {}})
    def get_model_card(self, card: Card) -> dict[str, Any]:
        return as_google(card)


class StoredFileSerializer(serializers.Serializer[Any]):
    """One file of a version."""

    path = serializers.CharField()
    size = serializers.IntegerField(help_text="Bytes.")
    sha256 = serializers.CharField(source="blob_id")
    removed_at = serializers.DateTimeField(
        source="tree.cut_at", allow_null=True, help_text="When its bytes were given up; its digest stays."
    )


class VersionDataSerializer(serializers.Serializer[Any]):
    """Data in S3 that a version names."""

    number = serializers.IntegerField(help_text="Its name below the version's data.")
    name = serializers.CharField()
    purpose = serializers.CharField(
        source="context", help_text="What the run used it for: training, evaluation … or empty."
    )
    address = serializers.CharField(help_text="s3://bucket/key")
    connection = serializers.CharField(help_text="Which S3 connection covers it; empty: none, so it is not handed out.")


class AliasCellSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    version = serializers.IntegerField(source="version.number")


class ModelSerializer(serializers.ModelSerializer[RegisteredModel]):
    family = serializers.CharField(source="family.slug", allow_null=True, default=None)
    segment = serializers.CharField(source="segment.slug", allow_null=True, default=None)
    aliases = AliasCellSerializer(many=True)

    class Meta:
        model = RegisteredModel
        fields: ClassVar = ["name", "family", "segment", "aliases", "created_at"]
