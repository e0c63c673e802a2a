"""Answers of MLflow pyfuncs for evaluators: each is asked in a process of its own, as another user, never here.

An evaluator that meets a pyfunc writes its rows down and goes on; the portal asks the model, and runs the evaluator
again with the answers beside the models.
"""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings

from apps.platforms.base import Continue, End, Limits, Outcome, Progress, Runner, Work
from apps.registry.evaluators import ASKS_PYFUNCS
from apps.registry.gates.contents import ALLOW
from apps.registry.gates.kinds import FILES
from apps.registry.pyfunc.environments import Unmakeable, check_python, environment, requirements_of

if TYPE_CHECKING:
    from apps.registry.models import ModelFamily

START = Path(__file__).with_name("start.py")
QUESTION, ANSWER = "question-", "answer-"
REQUIREMENTS, PYTHON = "requirements.txt", "python_env.yaml"
MOST_ROUNDS = 4
"""A comparison has two models, and each is asked when the one before it has answered."""
LOG_BYTES = 16_384

Beat = Callable[[Progress], Continue]


def why_not(family: ModelFamily) -> str:
    """Why pyfuncs of this family are not asked; empty where they are. Completes "it is an MLflow pyfunc, and …"."""
    if not settings.EVALUATE_PYFUNC:
        return "none is run here: a platform admin can switch that on by the setting EVALUATE_PYFUNC"
    if not any(gate.kind == FILES and gate.settings.get("pickle") == ALLOW for gate in family.gates.all()):
        return "this family allows no pickle: a lead can allow it in its gate 'Files of allowed formats'"
    return ""


@contextmanager
def answered(runner: Runner, work: Work, beat: Beat) -> Iterator[Outcome]:
    """How the evaluator ended, once every pyfunc that it asks has answered. Its files live inside."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        outcome = _run(runner, work, beat, stack)
        for number in range(MOST_ROUNDS):
            questions = {name: file for name, file in outcome.files.items() if name.startswith(QUESTION)}
            if not questions:
                break
            asking = Asking(runner, work, beat, folder)
            answers = dict(asking.answer(name, file) for name, file in questions.items())
            work = replace(work, key=f"{work.key}-{number}", inputs={**work.inputs, **answers})
            outcome = _run(runner, work, beat, stack)
        yield outcome


def _run(runner: Runner, work: Work, beat: Beat, stack: ExitStack) -> Outcome:
    stack.callback(runner.discard, work)
    return runner.run(work, beat)


@dataclass(frozen=True)
class Asking:
    """Asks the models of one evaluation's work, whose inputs hold their files by name."""

    runner: Runner
    work: Work
    beat: Beat
    folder: Path

    def answer(self, name: str, question: Path) -> tuple[str, Path]:
        """The name and the file of what a pyfunc answers, or of the sentence why it does not."""
        key = name.removeprefix(QUESTION).removesuffix(".json")
        file = self.folder / f"{ANSWER}{key}.json"
        try:
            said: dict[str, Any] = {"answers": self._ask(key, question), "error": ""}
        except Unmakeable as reason:
            said = {"error": str(reason)}
        file.write_text(json.dumps(said), encoding="utf-8")
        return file.name, file

    def _ask(self, key: str, question: Path) -> list[float]:
        asked = json.loads(question.read_text(encoding="utf-8"))
        model = {path: self.work.inputs[blob] for path, blob in asked["model"].items()}
        work = self._work(key, question, model)
        try:
            outcome = self.runner.run(work, self.beat)
            if outcome.end is not End.SUCCEEDED:
                raise Unmakeable(f"its pyfunc gave no answer: {outcome.reason}")
            return _numbers(outcome.files)
        finally:
            self.runner.discard(work)

    def _work(self, key: str, question: Path, model: Mapping[str, Path]) -> Work:
        folder = self._environment(model)
        return Work(
            key=f"pyfunc-{key[:32]}-{self.work.key}",
            script=START,
            params={"python": str(folder / "bin" / "python")},
            segment="",
            data=folder,
            limits=Limits(settings.PYFUNC_SECONDS, settings.PYFUNC_MEMORY_MB, LOG_BYTES, settings.PYFUNC_OUTPUT_BYTES),
            inputs={"question.json": question, "predict.py": ASKS_PYFUNCS}
            | {f"model/{path}": file for path, file in model.items()},
            isolated=True,
        )

    def _environment(self, model: Mapping[str, Path]) -> Path:
        """The one that the settings name for all, else the model's own."""
        if settings.PYFUNC_ENVIRONMENT:
            return Path(settings.PYFUNC_ENVIRONMENT)
        if REQUIREMENTS not in model:
            raise Unmakeable(f"it has no {REQUIREMENTS}, of which its environment could be made.")
        if PYTHON in model:
            check_python(_text(model[PYTHON]))
        wanted = requirements_of(_text(model[REQUIREMENTS]))
        root = settings.VAR_DIR / "environments"
        return environment(root, wanted, seconds=settings.PYFUNC_INSTALL_SECONDS, going=self._going)

    def _going(self) -> bool:
        return self.beat(Progress(None, "making an environment", "")) is Continue.GO


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")


def _numbers(files: Mapping[str, Path]) -> list[float]:
    """What untrusted code wrote, as finite numbers."""
    try:
        answers = json.loads(files["answers.json"].read_text(encoding="utf-8"))
        numbers = [float(answer) for answer in answers]
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise Unmakeable("its pyfunc answered no list of numbers.") from error
    if not all(map(math.isfinite, numbers)):
        raise Unmakeable("its pyfunc does not predict one finite number for each row.")
    return numbers
