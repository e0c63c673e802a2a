"""API shapes of fleets and promotions."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from apps.registry.models import (
    Evaluation,
    Gate,
    GateResult,
    ModelVersion,
    Promotion,
    Wave,
)
from apps.registry.models.family import CHAMPION


class VersionCellSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    number = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=ModelVersion.Kind.choices)
    trained_from = serializers.DateField(allow_null=True)
    trained_through = serializers.DateField(allow_null=True)
    created_at = serializers.DateTimeField()
    run = serializers.CharField(allow_null=True)
    pipeline = serializers.CharField(help_text="What trained it; empty where nobody said.")


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
    window_changes = ParameterChangeSerializer(many=True, help_text="Days of the training windows that differ.")
    input_changes = ParameterChangeSerializer(many=True, help_text="Declared inputs and their types that differ.")
    stage = serializers.IntegerField(help_text="The stage of the wave that moves it.")


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
            "stages",
            "stage",
            "stage_at",
            "live_limit",
            "digest",
            "created_at",
            "expires_at",
            "closed_at",
            "note",
        ]


class TotalsSerializer(serializers.Serializer[Any]):
    """Means over the cities that have a champion; weighted by their rows."""

    segments = serializers.IntegerField()
    rows = serializers.IntegerField()
    candidate = serializers.FloatField()
    champion = serializers.FloatField()
    gain = serializers.FloatField(help_text="Positive where the candidates are better.")
    weighted_candidate = serializers.FloatField()
    weighted_champion = serializers.FloatField()
    weighted_gain = serializers.FloatField(help_text="A wave may not make this negative.")


class VoteSerializer(serializers.Serializer[Any]):
    user = serializers.CharField(source="user.username")
    verdict = serializers.ChoiceField(choices=["yes", "no"])
    reason = serializers.CharField()
    at = serializers.DateTimeField()


class WaveProgressSerializer(serializers.Serializer[Any]):
    """The mixed state of a wave, in cities."""

    new = serializers.IntegerField()
    old = serializers.IntegerField()
    refused = serializers.IntegerField()
    moved_on = serializers.IntegerField(help_text="Have got something else since.")
    sentence = serializers.CharField()


class WaveStageSerializer(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    segments = serializers.IntegerField()
    has_moved = serializers.BooleanField()
    is_next = serializers.BooleanField()


class LiveValueSerializer(serializers.Serializer[Any]):
    """What was measured in production, in the unit of the family's metric."""

    value = serializers.FloatField()
    through = serializers.DateField()
    stage = serializers.IntegerField()
    by = serializers.CharField()
    at = serializers.DateTimeField()
    note = serializers.CharField()
    objection = serializers.CharField(help_text="Why it starts no stage; empty when it does, or did.")


class WaveDetailSerializer(serializers.Serializer[Any]):
    """A wave with everything an approver looks at; worst regressions first."""

    wave = WaveSerializer()
    rows = PromotionRowSerializer(many=True)
    refused = PromotionRowSerializer(many=True)
    totals = TotalsSerializer(allow_null=True)
    false_winners = serializers.FloatField(allow_null=True, help_text="How many cities pass by chance at most.")
    progress = WaveProgressSerializer()
    stages = WaveStageSerializer(many=True, help_text="Empty for a wave that moves at once.")
    live_values = LiveValueSerializer(many=True)
    votes = VoteSerializer(many=True)
    hints = serializers.ListField(child=serializers.CharField(), help_text="Signs that the family's tier is wrong.")
    may_decide = serializers.BooleanField()
    may_withdraw = serializers.BooleanField()
    may_advance = serializers.BooleanField()
    may_undo = serializers.BooleanField()


class CandidatesSerializer(serializers.Serializer[Any]):
    family = serializers.SlugField()
    versions = serializers.ListField(
        child=serializers.IntegerField(min_value=1), min_length=1, max_length=1_000, help_text="Ids of versions."
    )


class ChoiceOfVersionsSerializer(serializers.Serializer[Any]):
    """Versions by id, or a rule that finds them."""

    family = serializers.SlugField()
    alias = serializers.SlugField(default=CHAMPION, max_length=64)
    versions = serializers.ListField(
        child=serializers.IntegerField(min_value=1), default=list, max_length=1_000, help_text="Ids of versions."
    )
    rule = serializers.ChoiceField(
        choices=["newest"],
        required=False,
        help_text="Instead of ids: the newest ready version of each segment that never held the alias.",
    )
    regions = serializers.ListField(
        child=serializers.CharField(max_length=100), default=list, max_length=100, help_text="With a rule: only these."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if bool(attrs["versions"]) == ("rule" in attrs):
            raise serializers.ValidationError({"versions": "Name versions by id, or choose a rule."})
        return attrs


class DryRunSerializer(serializers.Serializer[Any]):
    """What a proposal would be; worst regressions first."""

    rows = PromotionRowSerializer(many=True)
    refused = PromotionRowSerializer(many=True)
    totals = TotalsSerializer(allow_null=True)
    false_winners = serializers.FloatField(allow_null=True, help_text="How many cities pass by chance at most.")
    refusal = serializers.CharField(help_text="Why nothing of it could be proposed; empty when something can.")


class ProposalSerializer(ChoiceOfVersionsSerializer):
    reason = serializers.CharField(max_length=2_000)
    stages = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=1_000_000),
        default=list,
        max_length=10,
        help_text="After how many segments it waits, such as 5, 50; the last stage is always all.",
    )
    live_limit = serializers.FloatField(
        allow_null=True, default=None, help_text="A live value at least this good starts the next stage."
    )
    key = serializers.CharField(
        max_length=100, allow_blank=True, default="", help_text="The same key proposes once, however often it is sent."
    )


class KeyedProposalSerializer(ProposalSerializer):
    key = serializers.CharField(max_length=100, help_text="The same key proposes once, however often it is sent.")


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


class AdvanceSerializer(serializers.Serializer[Any]):
    stage = serializers.IntegerField(min_value=1, max_value=1_000, help_text="The number of the stage that moves now.")
    reason = serializers.CharField(max_length=2_000, allow_blank=True, default="")


class NewLiveValueSerializer(serializers.Serializer[Any]):
    value = serializers.FloatField(help_text="In the unit of the family's metric.")
    through = serializers.DateField(help_text="The newest day that it was measured on.")
    note = serializers.CharField(max_length=2_000, allow_blank=True, default="")


class UndoSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=2_000)


class RolledBackSerializer(serializers.Serializer[Any]):
    model = serializers.CharField(source="model.name")
    before = serializers.IntegerField(source="before.number")
    after = serializers.IntegerField(source="after.number")


class RollbackSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(source="rollback.pk", help_text="Somebody else reviews it afterwards.")
    moves = RolledBackSerializer(many=True)
    refused = serializers.DictField(child=serializers.CharField(), help_text="By model, why it did not move.")
