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
