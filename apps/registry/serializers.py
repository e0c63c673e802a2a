"""API shapes of the registry."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.registry.models import (
    AliasMove,
    Evaluation,
    Gate,
    GateResult,
    ModelFamily,
    ModelVersion,
    Promotion,
    RegisteredModel,
    Segment,
    Wave,
)
from apps.registry.models.family import CHAMPION
from apps.tracking.queries import reported

Names = serializers.Field[Any, Any, Any, Any]


class GateSerializer(serializers.Serializer[Any]):
    """A gate as data; a setting that is not named has its default."""

    kind = serializers.ChoiceField(choices=Gate.Kind.choices)
    settings = serializers.DictField(child=serializers.FloatField(), default=dict)


class FamilySerializer(serializers.ModelSerializer[ModelFamily]):
    team = serializers.CharField(source="team.slug")
    dimension = serializers.CharField(source="dimension.slug")
    approvers: serializers.Field[Any, Any, Any, Any] = serializers.SlugRelatedField(
        "username", many=True, read_only=True
    )
    approvals = serializers.IntegerField(help_text="How many people must say yes to a promotion.")
    gates = GateSerializer(many=True)
    segments = serializers.IntegerField(source="segment_count", help_text="Segments of its dimension.")
    champions = serializers.IntegerField(source="champion_count", help_text="Segments that have a champion.")
    created_by = serializers.CharField(source="created_by.username")

    class Meta:
        model = ModelFamily
        fields: ClassVar = [
            "slug",
            "name",
            "description",
            "team",
            "tier",
            "dimension",
            "metric",
            "unit",
            "direction",
            "evaluator",
            "protected_aliases",
            "label_delay_days",
            "labelled_until",
            "freshness_days",
            "visibility",
            "approvers",
            "approvals_needed",
            "approvals",
            "gates",
            "segments",
            "champions",
            "created_by",
            "created_at",
        ]


class FamilySettingsSerializer(serializers.Serializer[Any]):
    """What can be changed; only what is sent changes. The action checks the values."""

    name = serializers.CharField(max_length=100, required=False)
    description = serializers.CharField(max_length=20_000, allow_blank=True, required=False)
    tier = serializers.IntegerField(min_value=1, max_value=4, required=False)
    metric = serializers.CharField(max_length=64, required=False)
    unit = serializers.CharField(max_length=32, allow_blank=True, required=False)
    direction = serializers.ChoiceField(choices=ModelFamily.Direction.choices, required=False)
    evaluator = serializers.CharField(max_length=64, allow_blank=True, required=False)
    protected_aliases = serializers.ListField(child=serializers.SlugField(max_length=64), max_length=10, required=False)
    label_delay_days = serializers.IntegerField(min_value=0, max_value=365, required=False)
    freshness_days = serializers.IntegerField(min_value=1, max_value=3_650, required=False)
    visibility = serializers.ChoiceField(choices=ModelFamily.Visibility.choices, required=False)
    approvals_needed = serializers.IntegerField(min_value=0, max_value=5, allow_null=True, required=False)


class NewFamilySerializer(FamilySettingsSerializer):
    slug = serializers.SlugField(max_length=64)
    name = serializers.CharField(max_length=100)
    metric = serializers.CharField(max_length=64)
    team = serializers.SlugField(help_text="The team that owns it.")
    dimension = serializers.SlugField(max_length=64, help_text="What its segments are, such as city.")


class LabelledUntilSerializer(serializers.Serializer[Any]):
    day = serializers.DateField(help_text="The newest day with labels.")


class GatesSerializer(serializers.Serializer[Any]):
    gates = GateSerializer(many=True)


class SegmentSerializer(serializers.ModelSerializer[Segment]):
    class Meta:
        model = Segment
        fields: ClassVar = ["slug", "name", "region", "latitude", "longitude"]


class NewSegmentSerializer(serializers.Serializer[Any]):
    slug = serializers.SlugField(max_length=64)
    name = serializers.CharField(max_length=100)
    region = serializers.CharField(max_length=100, allow_blank=True, default="")
    latitude = serializers.FloatField(min_value=-90, max_value=90, allow_null=True, default=None)
    longitude = serializers.FloatField(min_value=-180, max_value=180, allow_null=True, default=None)


class NewSegmentsSerializer(serializers.Serializer[Any]):
    segments = NewSegmentSerializer(many=True)


class VersionSerializer(serializers.ModelSerializer[ModelVersion]):
    model = serializers.CharField(source="model.name")
    family = serializers.CharField(source="model.family.slug")
    segment = serializers.CharField(source="model.segment.slug")
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
    reported = serializers.SerializerMethodField(help_text="What the training code said about itself; decides nothing.")

    class Meta(VersionSerializer.Meta):
        fields: ClassVar = [*VersionSerializer.Meta.fields, "description", "parameters", "reported"]

    @extend_schema_field({"type": "object", "additionalProperties": {"type": "number", "nullable": True}})
    def get_reported(self, version: ModelVersion) -> dict[str, float | None]:
        """JSON has no word for what is not finite, so that is null."""
        found = reported(version.run) if version.run else {}
        return {key: value if abs(value) < float("inf") else None for key, value in found.items()}


class DescriptionSerializer(serializers.Serializer[Any]):
    description = serializers.CharField(allow_blank=True, max_length=20_000)


class StoredFileSerializer(serializers.Serializer[Any]):
    """One file of a version."""

    path = serializers.CharField()
    size = serializers.IntegerField(help_text="Bytes.")
    sha256 = serializers.CharField(source="blob_id")


class AliasCellSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    version = serializers.IntegerField(source="version.number")


class ModelSerializer(serializers.ModelSerializer[RegisteredModel]):
    family = serializers.CharField(source="family.slug")
    segment = serializers.CharField(source="segment.slug")
    aliases = AliasCellSerializer(many=True)

    class Meta:
        model = RegisteredModel
        fields: ClassVar = ["name", "family", "segment", "aliases", "created_at"]


class AliasMoveSerializer(serializers.ModelSerializer[AliasMove]):
    alias = serializers.CharField(source="name")
    before = serializers.IntegerField(source="before.number", allow_null=True, default=None)
    after = serializers.IntegerField(source="after.number")
    promotion = serializers.IntegerField(source="promotion.wave_id", allow_null=True, default=None)
    by = serializers.CharField(source="by.username")

    class Meta:
        model = AliasMove
        fields: ClassVar = ["alias", "before", "after", "kind", "promotion", "by", "reason", "at"]


class EvaluationSerializer(serializers.ModelSerializer[Evaluation]):
    model = serializers.CharField(source="model.name")
    candidate = serializers.IntegerField(source="candidate.number")
    champion = serializers.IntegerField(source="champion.number", allow_null=True, default=None)
    requested_by = serializers.CharField(source="requested_by.username")

    class Meta:
        model = Evaluation
        fields: ClassVar = [
            "id",
            "model",
            "candidate",
            "champion",
            "window_first",
            "window_last",
            "status",
            "attempt",
            "reason",
            "rows",
            "days",
            "candidate_metric",
            "champion_metric",
            "baseline_metric",
            "difference",
            "lower",
            "upper",
            "data_digest",
            "evaluator",
            "evaluator_version",
            "requested_by",
            "requested_at",
            "finished_at",
        ]


class DailyErrorSerializer(serializers.Serializer[Any]):
    """Sums of the errors of one day's rows."""

    day = serializers.DateField()
    rows = serializers.IntegerField()
    candidate = serializers.FloatField(allow_null=True, default=None)
    champion = serializers.FloatField(allow_null=True, default=None)
    baseline = serializers.FloatField(allow_null=True, default=None)


class EvaluationDetailSerializer(EvaluationSerializer):
    daily = DailyErrorSerializer(many=True)

    class Meta(EvaluationSerializer.Meta):
        fields: ClassVar = [*EvaluationSerializer.Meta.fields, "daily"]


class NewEvaluationsSerializer(serializers.Serializer[Any]):
    """Without a window it is the family's newest whole month with labels."""

    family = serializers.SlugField()
    versions = serializers.ListField(child=serializers.IntegerField(min_value=1), min_length=1, max_length=1_000)
    window_first = serializers.DateField(allow_null=True, default=None)
    window_last = serializers.DateField(allow_null=True, default=None)


class VersionCellSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    number = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=ModelVersion.Kind.choices)
    trained_from = serializers.DateField(allow_null=True)
    trained_through = serializers.DateField(allow_null=True)
    created_at = serializers.DateTimeField()
    run = serializers.CharField(allow_null=True)


class ScoreSerializer(serializers.Serializer[Any]):
    """Metrics in the family's unit; a positive difference means that the candidate is better."""

    id = serializers.IntegerField(help_text="The evaluation.")
    status = serializers.ChoiceField(choices=Evaluation.Status.choices)
    first = serializers.DateField()
    last = serializers.DateField()
    candidate = serializers.FloatField(allow_null=True)
    champion = serializers.FloatField(allow_null=True)
    baseline = serializers.FloatField(allow_null=True)
    difference = serializers.FloatField(allow_null=True)
    lower = serializers.FloatField(allow_null=True)
    upper = serializers.FloatField(allow_null=True)
    rows = serializers.IntegerField(allow_null=True)
    days = serializers.IntegerField(allow_null=True)
    reason = serializers.CharField()


class VerdictSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=Gate.Kind.choices)
    outcome = serializers.ChoiceField(choices=GateResult.Outcome.choices)
    sentence = serializers.CharField()
    numbers = serializers.DictField()


class FleetRowSerializer(serializers.Serializer[Any]):
    segment = serializers.CharField()
    name = serializers.CharField()
    region = serializers.CharField()
    model = serializers.CharField(help_text="Empty while the segment has no model.")
    champion = VersionCellSerializer(allow_null=True)
    age_days = serializers.IntegerField(allow_null=True)
    is_fresh = serializers.BooleanField(allow_null=True)
    evaluated = ScoreSerializer(allow_null=True, help_text="What the champion was promoted on.")
    newest = ScoreSerializer(allow_null=True, help_text="The champion on the newest month.")
    candidate = VersionCellSerializer(allow_null=True)
    comparison = ScoreSerializer(allow_null=True, help_text="The candidate against the champion.")
    verdicts = VerdictSerializer(many=True)
    refusal = serializers.CharField(help_text="Why the candidate can not be promoted; empty when it can.")
    is_eligible = serializers.BooleanField()
    open_wave = serializers.IntegerField(allow_null=True)


class ParameterChangeSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    champion = serializers.JSONField(allow_null=True)
    candidate = serializers.JSONField(allow_null=True)


class PromotionRowSerializer(serializers.Serializer[Any]):
    model = serializers.CharField()
    segment = serializers.CharField()
    name = serializers.CharField()
    status = serializers.ChoiceField(choices=Promotion.Status.choices)
    refusal = serializers.CharField()
    candidate = VersionCellSerializer()
    champion = VersionCellSerializer(allow_null=True)
    evaluation = ScoreSerializer(allow_null=True)
    verdicts = VerdictSerializer(many=True)
    parameter_changes = ParameterChangeSerializer(many=True)


class WaveSerializer(serializers.ModelSerializer[Wave]):
    family = serializers.CharField(source="family.slug")
    proposer = serializers.CharField(source="proposer.username")

    class Meta:
        model = Wave
        fields: ClassVar = [
            "id",
            "family",
            "alias",
            "status",
            "segments",
            "reason",
            "proposer",
            "digest",
            "created_at",
            "expires_at",
            "closed_at",
            "note",
        ]


class TotalsSerializer(serializers.Serializer[Any]):
    """Means over the cities that have a champion; weighted by their rows."""

    segments = serializers.IntegerField()
    candidate = serializers.FloatField()
    champion = serializers.FloatField()
    weighted_candidate = serializers.FloatField()
    weighted_champion = serializers.FloatField()


class VoteSerializer(serializers.Serializer[Any]):
    user = serializers.CharField(source="user.username")
    verdict = serializers.ChoiceField(choices=["yes", "no"])
    reason = serializers.CharField()
    at = serializers.DateTimeField()


class WaveDetailSerializer(serializers.Serializer[Any]):
    """A wave with everything an approver looks at; worst regressions first."""

    wave = WaveSerializer()
    rows = PromotionRowSerializer(many=True)
    refused = PromotionRowSerializer(many=True)
    totals = TotalsSerializer(allow_null=True)
    votes = VoteSerializer(many=True)
    may_decide = serializers.BooleanField()
    may_withdraw = serializers.BooleanField()


class CandidatesSerializer(serializers.Serializer[Any]):
    family = serializers.SlugField()
    versions = serializers.ListField(
        child=serializers.IntegerField(min_value=1), min_length=1, max_length=1_000, help_text="Ids of versions."
    )


class ProposalSerializer(CandidatesSerializer):
    reason = serializers.CharField(max_length=2_000)
    alias = serializers.SlugField(default=CHAMPION, max_length=64)
    key = serializers.CharField(
        max_length=100, allow_blank=True, default="", help_text="The same key proposes once, however often it is sent."
    )


class ApprovalSerializer(serializers.Serializer[Any]):
    digest = serializers.CharField(max_length=64, help_text="Of the wave as you looked at it.")
    note = serializers.CharField(max_length=2_000, allow_blank=True, default="")


class RejectionSerializer(serializers.Serializer[Any]):
    digest = serializers.CharField(max_length=64, help_text="Of the wave as you looked at it.")
    reason = serializers.CharField(max_length=2_000)


class WithdrawalSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=2_000, allow_blank=True, default="")


class RollbackRequestSerializer(CandidatesSerializer):
    """The versions that are taken back; where one is the champion no more, nothing moves."""

    reason = serializers.CharField(max_length=2_000)
    alias = serializers.SlugField(default=CHAMPION, max_length=64)


class ModelRollbackSerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField(
        min_value=1,
        allow_null=True,
        default=None,
        help_text="The number that is taken back; the champion of now if not said.",
    )
    reason = serializers.CharField(max_length=2_000)
    alias = serializers.SlugField(default=CHAMPION, max_length=64)


class RolledBackSerializer(serializers.Serializer[Any]):
    model = serializers.CharField(source="model.name")
    before = serializers.IntegerField(source="before.number")
    after = serializers.IntegerField(source="after.number")


class RollbackSerializer(serializers.Serializer[Any]):
    moves = RolledBackSerializer(many=True)
    refused = serializers.DictField(child=serializers.CharField(), help_text="By model, why it did not move.")
