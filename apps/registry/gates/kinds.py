"""The table of all kinds of gates: what each asks, in words for people, with its settings and their defaults."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from apps.registry.gates import comparing, contents
from apps.registry.gates.facts import Compared, Facts, GateSpec, Said
from apps.registry.gates.leakage import no_leakage
from apps.registry.gates.settings import Setting

SIGNIFICANCE, THRESHOLD, BASELINE = "significance", "threshold", "baseline"
ENOUGH_DATA, NO_LEAKAGE = "enough_data", "no_leakage"
SERVING_CONTRACT, FILES, CARD, REPRODUCIBLE = "serving_contract", "files", "card", "reproducible"

Judge = Callable[[Facts, Compared, Mapping[str, Any]], Said]


@dataclass(frozen=True)
class Kind:
    """A rule that families may use; `label` names it, `help` says in a sentence what it asks and why."""

    name: str
    label: str
    help: str
    judge: Judge
    settings: tuple[Setting, ...] = ()

    def values(self, spec: GateSpec) -> dict[str, Any]:
        """Every setting, with its default where nothing else is set."""
        return {setting.name: spec.settings.get(setting.name, setting.default) for setting in self.settings}


MARGIN = Setting(
    "margin",
    "Required margin",
    "By how much it must be better; 0 asks for any proven gain.",
    "number",
    default=0.0,
    minimum=0,
    in_metric_unit=True,
)
LIMIT = Setting(
    "limit",
    "Limit",
    "The worst value of the metric that may serve: at most this where lower is better, at least this otherwise.",
    "number",
    in_metric_unit=True,
)
NAMED = Setting(
    "baseline",
    "Baseline",
    "The name of one of the evaluator's baselines; empty takes the family's first.",
    "text",
    default="",
)
TOLERANCE = Setting(
    "margin",
    "Allowed margin",
    "How much worse than the baseline still counts as not worse.",
    "number",
    default=0.0,
    minimum=0,
    in_metric_unit=True,
)
PROOF = Setting(
    "proof",
    "Proof",
    "Whether the mean decides, or the lower bound must prove it.",
    "choice",
    default=comparing.ON_AVERAGE,
    choices=((comparing.ON_AVERAGE, "on average"), (comparing.PROVEN, "proven by the lower bound")),
)
ROWS = Setting("rows", "Rows", "At least this many rows in the evaluation.", "number", default=30, minimum=0)
DAYS = Setting("days", "Days", "At least this many days: whole days are what is drawn again.", "number", 10, minimum=0)
UNDECLARED = Setting(
    "undeclared",
    "Without a signature",
    "What it means when a version does not declare its inputs.",
    "choice",
    default="inconclusive",
    choices=(("inconclusive", "inconclusive: keep the champion"), ("fail", "fails")),
)
FORMATS = Setting(
    "formats",
    "Allowed formats",
    "json, skops, onnx, safetensors, ubj, csv, parquet, yaml, text or numpy.",
    "words",
    default=("json", "skops", "onnx", "safetensors", "ubj", "csv", "yaml", "text"),
)
PICKLES = Setting(
    "pickle",
    "Pickle",
    "A pickle runs code when it is loaded. The portal shows it and never loads it; serving may.",
    "choice",
    default=contents.REFUSE,
    choices=((contents.REFUSE, "refused"), (contents.ALLOW, "shown, and allowed")),
)
MISSING = Setting(
    "missing",
    "What is missing",
    "Whether a version that can not be made again fails, is inconclusive, or is only noted.",
    "choice",
    default=contents.BY_TIER,
    choices=(
        (contents.BY_TIER, "tier 1 fails, others are inconclusive"),
        ("fail", "fails"),
        ("inconclusive", "inconclusive: keep the champion"),
        (contents.NOTE, "passes, and is noted"),
    ),
)

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            SIGNIFICANCE,
            "Better than the champion",
            "The lower 95 % bound of the gain, drawn again by whole days, lies above the margin.",
            comparing.significance,
            (MARGIN,),
        ),
        Kind(
            BASELINE,
            "Not worse than the baseline",
            "The simplest thing that could work, on the same rows, is not better. First versions face this, too.",
            comparing.baseline,
            (NAMED, TOLERANCE, PROOF),
        ),
        Kind(
            THRESHOLD,
            "Good enough",
            "The metric itself keeps a limit, whatever the champion does.",
            comparing.threshold,
            (LIMIT,),
        ),
        Kind(
            ENOUGH_DATA,
            "Enough data",
            "With fewer rows or days nothing is proven, and the champion is kept.",
            comparing.enough_data,
            (ROWS, DAYS),
        ),
        Kind(
            NO_LEAKAGE,
            "No leakage",
            "Training of candidate and champion ended before the evaluation begins, less the label delay.",
            no_leakage,
        ),
        Kind(
            SERVING_CONTRACT,
            "Fits the serving contract",
            "It asks only for inputs that serving has, and answers the type that callers expect.",
            contents.serving_contract,
            (UNDECLARED,),
        ),
        Kind(
            FILES,
            "Files of allowed formats",
            "Every file is as it was registered, and in a format that can be read without running its code.",
            contents.files,
            (FORMATS, PICKLES),
        ),
        Kind(
            CARD,
            "Card filled in",
            "The fields of the card that the family asks for say something.",
            contents.card,
        ),
        Kind(
            REPRODUCIBLE,
            "Reproducible",
            "A clean commit, locked dependencies, data, parameters and seed are known.",
            contents.reproducible,
            (MISSING,),
        ),
    )
}
