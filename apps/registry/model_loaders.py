"""Reads models inside an evaluator's own process: JSON coefficients, skops, ONNX. Nothing is unpickled here.

The portal puts this file into PORTAL_INPUTS; an evaluator takes it from there:

    sys.path.insert(0, os.environ["PORTAL_INPUTS"])
    import model_loaders
    predict = model_loaders.load(files, known=INPUTS)     # Unreadable carries the sentence why not
    answer = predict(table)                               # one number per row

It imports nothing of the portal, and the libraries only when a model needs them. A format is registered by adding
to LOADERS; an evaluator may add its own. Models are not trusted: they see only the columns in `known`.
"""

import hashlib
import json
import os
from collections.abc import Callable, Collection, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd

Predict = Callable[[pd.DataFrame], np.ndarray]
Loader = Callable[[Path, Collection[str], Collection[str]], Predict]

TREES = ("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",)
"""Types that skops does not know by itself and that run nothing; an evaluator may trust more by name."""


class Unreadable(Exception):
    """The model is not read; the message completes "it could not be scored: "."""


def load(files: Mapping[str, Path], *, known: Collection[str], trusted: Collection[str] = TREES) -> Predict:
    """What the model of these files predicts. `files` are paths on disk by their name in the version.

    `known` are the columns that it may ask for, `trusted` the types that a skops file may hold. Raises Unreadable.
    """
    for name, read in LOADERS.items():
        if name in files:
            return read(files[name], known, trusted)
    if PYFUNC in files:
        return read_pyfunc(files, known)
    raise Unreadable(_no_loader(files))


def refuse_unknown(asked: Collection[str], known: Collection[str]) -> None:
    if unknown := sorted(set(asked) - set(known)):
        raise Unreadable(f"it asks for {', '.join(unknown)}, which is not among the inputs known beforehand.")


# --- JSON coefficients ---


def read_json(file: Path, known: Collection[str], trusted: Collection[str]) -> Predict:
    """`linear/1` and `logistic/1`: an intercept, standardised numbers, a coefficient for each value of a category."""
    model = json.loads(file.read_text(encoding="utf-8"))
    link = LINKS.get(model.get("format"))
    if link is None:
        raise Unreadable(f"its format is {model.get('format')!r}; the formats in JSON are {', '.join(LINKS)}.")
    refuse_unknown([term["name"] for term in (*model["numbers"], *model["categories"])], known)
    return lambda table: link(_linear(model, table))


def _linear(model: Mapping[str, Any], table: pd.DataFrame) -> np.ndarray:
    answer = np.full(len(table), float(model["intercept"]))
    for term in model["numbers"]:
        answer += (table[term["name"]].to_numpy() - term["mean"]) / term["scale"] * term["coefficient"]
    for term in model["categories"]:  # a value that training never saw adds nothing
        coefficients = term["coefficients"]
        answer += np.array([coefficients.get(value, 0.0) for value in table[term["name"]]], dtype=float)
    return answer


def _logistic(score: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-score))


LINKS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"linear/1": lambda score: score, "logistic/1": _logistic}


# --- skops ---


def read_skops(file: Path, known: Collection[str], trusted: Collection[str]) -> Predict:
    """A scikit-learn model that was fitted on named columns; only known and trusted types are made."""
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        model = skops.io.load(file, trusted=list(trusted))
    except UntrustedTypesFoundException as error:
        raise Unreadable("model.skops holds types that are not on the evaluator's list.") from error
    columns = [str(name) for name in getattr(model, "feature_names_in_", ())]
    if not columns:
        raise Unreadable("model.skops was fitted without names of its columns; fit it on a table that has them.")
    refuse_unknown(columns, known)
    return lambda table: np.asarray(model.predict(table[columns]), dtype=float)


# --- ONNX ---


NO_ONNX = "it is ONNX, and onnxruntime is not installed here: install the portal's extra 'onnx'."


def read_onnx(file: Path, known: Collection[str], trusted: Collection[str]) -> Predict:
    """An input for each column, or one matrix whose columns the model names in its metadata `columns` (JSON)."""
    try:
        import onnxruntime
    except ImportError as error:
        raise Unreadable(NO_ONNX) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(file.read_bytes(), options, providers=["CPUExecutionProvider"])
    names = [tensor.name for tensor in session.get_inputs()]
    columns = _columns_of(session, names)
    refuse_unknown(columns, known)
    if names == columns:
        return lambda table: _first(session.run(None, {name: _column(table, name) for name in names}))
    return lambda table: _first(session.run(None, {names[0]: table[columns].to_numpy(dtype=np.float32)}))


def _columns_of(session: Any, names: list[str]) -> list[str]:
    declared = session.get_modelmeta().custom_metadata_map.get("columns")
    if declared:
        return [str(name) for name in json.loads(declared)]
    if len(names) == 1 and len(session.get_inputs()[0].shape) == 2 and session.get_inputs()[0].shape[1] != 1:
        raise Unreadable("it takes one matrix and does not say of which columns: name them in its metadata 'columns'.")
    return names


def _column(table: pd.DataFrame, name: str) -> np.ndarray:
    """Numbers as 32-bit floats, everything else as text: one column, one row each."""
    values = table[name].to_numpy().reshape(-1, 1)
    return values.astype(np.float32) if np.issubdtype(values.dtype, np.number) else values.astype(str).astype(object)


def _first(outputs: list[Any]) -> np.ndarray:
    return np.asarray(outputs[0], dtype=float).reshape(-1)


LOADERS: dict[str, Loader] = {"model.json": read_json, "model.skops": read_skops, "model.onnx": read_onnx}


# --- an MLflow pyfunc ---


PYFUNC = "MLmodel"


def read_pyfunc(files: Mapping[str, Path], known: Collection[str]) -> Predict:
    """It runs code of its own, so not here: its rows are written down, the portal asks it, and what it answered lies
    beside the models when the evaluator is run again."""
    if why_not := _why_not():
        raise Unreadable(f"it is an MLflow pyfunc, which runs code of its own, and {why_not}; or {_wanted()}, too.")
    return lambda table: _answers(files, table[[name for name in table.columns if name in known]])


def _answers(files: Mapping[str, Path], table: pd.DataFrame) -> np.ndarray:
    question = json.dumps({"model": {path: file.name for path, file in files.items()}, **_columns(table)})
    key = hashlib.sha256(question.encode()).hexdigest()
    answer = Path(os.environ["PORTAL_INPUTS"]) / f"answer-{key}.json"
    if not answer.exists():
        (Path(os.environ["PORTAL_OUT"]) / f"question-{key}.json").write_text(question, encoding="utf-8")
        raise Unreadable("the portal has not asked it yet.")
    said = json.loads(answer.read_text(encoding="utf-8"))
    if said["error"]:
        raise Unreadable(said["error"])
    return np.asarray(said["answers"], dtype=float)


def _columns(table: pd.DataFrame) -> dict[str, Any]:
    """The values by column, and which types they have."""
    plain = {name: _plain(table[name]) for name in table.columns}
    return {
        "rows": {name: values.tolist() for name, values in plain.items()},
        "types": {name: str(values.dtype) for name, values in plain.items()},
    }


def _plain(values: pd.Series) -> pd.Series:
    """Numbers and truth values as they are, everything else as text."""
    return values if pd.api.types.is_numeric_dtype(values) else values.astype(str).astype(object)


def _why_not() -> str:
    """What the portal says of pyfuncs; outside of it nobody asks them."""
    params = os.environ.get("PORTAL_PARAMS")
    said = json.loads(Path(params).read_text(encoding="utf-8")) if params else {}
    return str(said.get("pyfunc", "nobody is there to ask it in a process of its own"))


# --- what has no loader ---

PICKLES = {".pkl", ".pickle", ".joblib", ".pt", ".pth"}


def _no_loader(files: Mapping[str, Path]) -> str:
    if any(PurePosixPath(name).suffix in PICKLES for name in files):
        return f"it is a pickle, which runs code when it is loaded, so nobody loads it here; {_wanted()}."
    return f"it has none of the files that can be read here; {_wanted()}."


def _wanted() -> str:
    return f"save it as {', '.join(LOADERS)}"
