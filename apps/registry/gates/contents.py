"""Gates that read what a version consists of: its signature, files, card, and what is needed to make it again."""

from collections.abc import Callable, Mapping
from typing import Any

from apps.registry.formats import PICKLE
from apps.registry.gates.facts import Compared, Contents, Facts, Outcome, Said, Signature
from apps.registry.gates.wording import listed

BY_TIER, NOTE, REFUSE, ALLOW = "tier", "note", "refuse", "allow"
WIDER = {
    "integer": {"long", "float", "double"},
    "long": {"double"},
    "float": {"double"},
    "boolean": {"integer", "long", "float", "double"},
}
"""A contract's type may be handed to a model that asks for a wider one."""


# --- serving contract ---

NO_CONTRACT = (
    "The family has no serving contract yet: a lead can name the inputs that serving has in its settings, or take "
    "this gate away."
)


def serving_contract(facts: Facts, compared: Compared, settings: Mapping[str, Any]) -> Said:
    if facts.candidate.untrained:
        return Outcome.PASS, "A baseline is computed from the contract's own data.", {}
    if facts.contract is None:
        return Outcome.INCONCLUSIVE, NO_CONTRACT, {}
    signature = facts.candidate.contents.signature
    if signature is None:
        outcome = Outcome(settings["undeclared"])
        return outcome, "It declares no signature: add signature.json, or an MLflow signature, to its files.", {}
    return _fits(signature, facts.contract)


def misfit(signature: Signature | None, contract: Signature | None) -> str:
    """Why what once fitted does not any more, naming the missing column; empty where it fits, or nobody can tell."""
    if signature is None or contract is None:
        return ""
    outcome, sentence, _ = _fits(signature, contract)
    return "" if outcome is Outcome.PASS else sentence


def _fits(signature: Signature, contract: Signature) -> Said:
    numbers: dict[str, Any] = {"inputs": len(signature.inputs), "in_contract": len(contract.inputs)}
    objections = [*_unserved(signature, contract), *_other_types(signature, contract)]
    if signature.output != contract.output:
        objections.append(f"it answers {signature.output or 'no known type'}, the contract says {contract.output}")
    if objections:
        return Outcome.FAIL, f"It does not fit the serving contract: {'; '.join(objections)}.", numbers
    served = "input is" if len(signature.inputs) == 1 else "inputs are"
    return Outcome.PASS, f"Its {len(signature.inputs)} {served} served, and it answers {contract.output}.", numbers


def _unserved(signature: Signature, contract: Signature) -> list[str]:
    absent = sorted(signature.inputs.keys() - contract.inputs.keys())
    return [f"it asks for {listed(absent)}, which serving does not have"] if absent else []


def _other_types(signature: Signature, contract: Signature) -> list[str]:
    common = sorted(signature.inputs.keys() & contract.inputs.keys())
    wrong = [name for name in common if not _accepts(signature.inputs[name], contract.inputs[name])]
    return [f"it wants {name} as {signature.inputs[name]}, serving has {contract.inputs[name]}" for name in wrong]


def _accepts(wanted: str, served: str) -> bool:
    return wanted == served or wanted in WIDER.get(served, set())


# --- files ---


def files(facts: Facts, compared: Compared, settings: Mapping[str, Any]) -> Said:
    """That their digests hold was seen when they were evaluated: a damaged file ends an evaluation."""
    formats = facts.candidate.contents.formats
    if not formats:
        return Outcome.INCONCLUSIVE, "Nobody looked at the formats of its files when it was registered.", {}
    numbers = {"files": len(formats), "formats": sorted(set(formats.values()))}
    pickles = sorted(path for path, name in formats.items() if name == PICKLE)
    if pickles and settings["pickle"] == REFUSE:
        return Outcome.FAIL, f"It holds a pickle ({listed(pickles)}): whoever loads one runs its code.", numbers
    allowed = {*settings["formats"], PICKLE}
    foreign = sorted(path for path, name in formats.items() if name not in allowed)
    if foreign:
        wanted = listed(sorted(settings["formats"]), most=10)
        return Outcome.FAIL, f"{listed(foreign)} is in no allowed format ({wanted}).", numbers
    count = "Its file is" if len(formats) == 1 else f"Its {len(formats)} files are"
    held = f" A pickle is among them ({listed(pickles)}), which this family allows." if pickles else ""
    return Outcome.PASS, f"{count} of allowed formats, with the digests they were registered with.{held}", numbers


# --- card ---


def card(facts: Facts, compared: Compared, settings: Mapping[str, Any]) -> Said:
    if facts.candidate.untrained or not facts.card_fields:
        return Outcome.PASS, "Nothing of the card is asked for.", {}
    filled = facts.candidate.contents.card
    absent = [name for name in facts.card_fields if not filled.get(name, "").strip()]
    numbers = {"fields": len(facts.card_fields), "missing": absent}
    if absent:
        return (
            Outcome.FAIL,
            f"Its card does not say {listed(absent)}; fill that in on its page, or once on the family's.",
            numbers,
        )
    return Outcome.PASS, f"Its card says {listed(facts.card_fields)}.", numbers


# --- reproducible ---


def reproducible(facts: Facts, compared: Compared, settings: Mapping[str, Any]) -> Said:
    if facts.candidate.untrained:
        return Outcome.PASS, "A baseline is computed anew each time.", {}
    absent = [words for words, known in NEEDED.items() if not known(facts.candidate.contents)]
    numbers = {"missing": absent}
    if not absent:
        return Outcome.PASS, "Clean commit, locked dependencies, data, parameters and seed are known.", numbers
    sentence = f"It could not be made again: {listed(absent)} {'is' if len(absent) == 1 else 'are'} not known."
    return _missing_means(facts, settings["missing"]), sentence, numbers


def _missing_means(facts: Facts, chosen: str) -> Outcome:
    if chosen == NOTE:
        return Outcome.PASS
    if chosen == BY_TIER:
        return Outcome.FAIL if facts.tier == 1 else Outcome.INCONCLUSIVE
    return Outcome(chosen)


def _clean_commit(contents: Contents) -> bool:
    return bool(contents.provenance.get("commit")) and contents.provenance.get("clean") is True


def _seed(contents: Contents) -> bool:
    """Training without chance says so by a seed of `none`."""
    return contents.provenance.get("seed") is not None or contents.parameters.get("seed") is not None


NEEDED: dict[str, Callable[[Contents], bool]] = {
    "a clean commit": _clean_commit,
    "the digest of its locked dependencies": lambda contents: bool(contents.provenance.get("lock_digest")),
    "the digest of its data": lambda contents: bool(contents.provenance.get("data_digest")),
    "its parameters": lambda contents: bool(contents.parameters or contents.provenance.get("parameters")),
    "its seed": _seed,
}
