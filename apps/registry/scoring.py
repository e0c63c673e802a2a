"""What evaluators have in common: from the comparisons that the portal asks for to sums by day.

The portal puts this file into PORTAL_INPUTS beside `model_loaders.py`; an evaluator says only what is its own:

    sys.path.insert(0, os.environ["PORTAL_INPUTS"])
    import scoring

    scoring.run(read=trips, inputs=INPUTS, score=absolute_errors, baselines={"usual": usual_minutes})

One broken model never stops the others: it gets a sentence. It imports nothing of the portal.
"""

import hashlib
import io
import json
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import model_loaders
import numpy as np
import pandas as pd

DATA = Path(os.environ.get("PORTAL_DATA", ""))
BASELINE_FILE = "baseline.json"
ROLES = ("candidate", "champion")


class Refused(Exception):
    """A comparison that can't be made; the message is a sentence for a person."""


@dataclass(frozen=True)
class Window:
    """What is labelled of a segment in some days: a row each, with its `day`; `digest` names the raw lines."""

    segment: str
    first: date
    last: date
    rows: pd.DataFrame
    digest: str


Read = Callable[[str, date, date], Window]
Answer = Callable[[Window], Any]
Score = Callable[[Any, Window], Any]


@dataclass(frozen=True)
class Evaluator:
    """What is an evaluator's own.

    `read` gives the labelled rows of a segment between two days, `inputs` are the columns that models may ask for,
    `score` turns answers into one number for each row whose mean is the metric (NaN for no answers), and each of
    `baselines` answers a window itself; pages show the first. `check` raises Refused where a window tells nothing.
    """

    read: Read
    inputs: Collection[str]
    score: Score
    baselines: Mapping[str, Answer]
    check: Callable[[Window], None] = lambda window: None

    def compare(self, comparison: Mapping[str, Any], first: date, last: date) -> dict[str, Any]:
        """The answer to one comparison. Raises Refused."""
        window = self.read(comparison["segment"], first, last)
        if window.rows.empty:
            raise Refused(f"There is no labelled row of {window.segment} between {first} and {last}.")
        self.check(window)
        scores = pd.DataFrame({"day": window.rows["day"]})
        for role in ROLES:
            scores[role] = self.score(self.answers(role, comparison.get(role), window), window)
        for name, baseline in self.baselines.items():
            scores[name] = self.score(baseline(window), window)
        return _sums(scores, list(self.baselines), window.digest)

    def answers(self, role: str, model: Mapping[str, Any] | None, window: Window) -> Any:
        """One number for each row; NaN where there is no such model. Raises Refused."""
        if model is None:
            return np.nan
        try:
            answer = np.asarray(self._load(model["files"])(window), dtype=float)
        except (Refused, model_loaders.Unreadable) as refusal:
            raise Refused(f"The {role} could not be scored: {refusal}") from None
        except Exception as error:  # whatever a broken file makes a library raise stays with this comparison
            raise Refused(f"The {role} could not be scored: its file is broken ({type(error).__name__}).") from error
        if answer.shape != (len(window.rows),) or not np.isfinite(np.abs(answer).sum()):
            raise Refused(f"The {role} could not be scored: it does not predict one finite number for each row.")
        return answer

    def _load(self, names: Mapping[str, str]) -> Answer:
        """A file of the version may name one of the baselines instead of holding a model."""
        files = {path: Path(os.environ["PORTAL_INPUTS"]) / name for path, name in names.items()}
        if BASELINE_FILE in files and not files.keys() & model_loaders.LOADERS.keys():
            return self._baseline(json.loads(files[BASELINE_FILE].read_text(encoding="utf-8")).get("baseline"))
        predict = model_loaders.load(files, known=self.inputs)
        return lambda window: predict(window.rows)

    def _baseline(self, name: object) -> Answer:
        if name not in self.baselines:
            raise Refused(f"there is no baseline {name!r}; this evaluator knows {', '.join(self.baselines)}.")
        return self.baselines[str(name)]


def run(
    *,
    read: Read,
    inputs: Collection[str],
    score: Score,
    baselines: Mapping[str, Answer],
    check: Callable[[Window], None] = lambda window: None,
) -> None:
    """Answers all that the portal asks for; see `Evaluator` for what each argument is."""
    params = json.loads(Path(os.environ["PORTAL_PARAMS"]).read_text(encoding="utf-8"))
    evaluator = Evaluator(cache(read), inputs, score, baselines, check)
    with np.errstate(all="ignore"):  # a model that overflows gets its sentence, not a warning in the log
        answers = dict(_answers(evaluator, params))
    _write("evaluations.json", answers)
    _write("metrics.json", {"comparisons": len(answers)})


def read_days(files: Iterable[Path], first: date, last: date) -> list[str]:
    """The lines of CSV files, header first, whose day (they begin with it) lies between the two; empty for none."""
    texts = [file.read_text(encoding="utf-8").splitlines() for file in files if file.exists()]
    lines = [line for text in texts for line in text[1:] if str(first) <= line[:10] <= str(last)]
    return [texts[0][0], *lines] if lines else []


def table_of(lines: list[str], *, text: Collection[str] = ()) -> pd.DataFrame:
    """The lines as columns; `day` and those in `text` stay as they are written."""
    types = dict.fromkeys(["day", *text], str)
    return pd.read_csv(io.StringIO("\n".join(lines)), dtype=types) if lines else pd.DataFrame()


def window(lines: list[str], rows: pd.DataFrame, *, segment: str, first: date, last: date) -> Window:
    """The rows with the digest of the lines that they come from, whatever the header says."""
    digest = hashlib.sha256("\n".join(lines[1:]).encode()).hexdigest()
    return Window(segment, first, last, rows, f"sha256:{digest}")


def _answers(evaluator: Evaluator, params: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    first, last = (date.fromisoformat(params["window"][end]) for end in ("first", "last"))
    for done, comparison in enumerate(params["comparisons"]):
        print(f"PORTAL_PROGRESS {done / len(params['comparisons']):.2f} {comparison['segment']}", flush=True)  # noqa: T201
        try:
            yield comparison["id"], evaluator.compare(comparison, first, last)
        except Refused as refusal:
            yield comparison["id"], {"error": str(refusal)}


def _sums(scores: pd.DataFrame, baselines: list[str], digest: str) -> dict[str, Any]:
    """The scores of each day, added up; a model or baseline without any has None."""
    by_day, names = scores.groupby("day"), [*ROLES, *baselines]
    sums = by_day[names].sum(min_count=1)
    daily = [
        {"day": day, "rows": rows}
        | {role: _number(sums.at[day, role]) for role in ROLES}
        | {"baselines": {name: _number(sums.at[day, name]) for name in baselines}}
        for day, rows in by_day.size().items()
    ]
    metric = {name: _number(sums[name].sum(min_count=1) / len(scores)) for name in names}
    return {"error": None, "data_digest": digest, "rows": len(scores), "metric": metric, "daily": daily}


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _write(name: str, content: Mapping[str, Any]) -> None:
    (Path(os.environ["PORTAL_OUT"]) / name).write_text(json.dumps(content), encoding="utf-8")
