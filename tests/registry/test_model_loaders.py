"""Loaders of model formats, with real files: what they predict, and the sentence where they do not."""

import base64
import json
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.linear_model import Ridge

from apps.registry.model_loaders import Unreadable, load

KNOWN = ("distance_mi", "hour")
TABLE = pd.DataFrame({"distance_mi": [100.0, 200.0], "hour": [1, 2]})
TWO_A_MILE_THREE_AN_HOUR_AND_ONE = np.array([204.0, 407.0])
LINEAR = {
    "format": "linear/1",
    "intercept": 1.0,
    "numbers": [
        {"name": "distance_mi", "mean": 0.0, "scale": 0.5, "coefficient": 1.0},
        {"name": "hour", "mean": 0.0, "scale": 1.0, "coefficient": 3.0},
    ],
    "categories": [],
}
# 2 * distance_mi + 3 * hour + 1 as ONNX, opset 13: an input for each column; one matrix with and without their names.
COLUMNS = (
    "CAgSADrDAQoYCgtkaXN0YW5jZV9taQoBYRIBcCIDTXVsChEKBGhvdXIKAWISAXEiA011bAoOCgFwCgFxEgFzIgNBZGQKDgoBcwoBYxIBeSIDQW"
    "RkEgFnKg0IARABIgQAAABAQgFhKg0IARABIgQAAEBAQgFiKg0IARABIgQAAIA/QgFjWhsKC2Rpc3RhbmNlX21pEgwKCggBEgYKAAoCCAFaFAoEaG"
    "91chIMCgoIARIGCgAKAggBYhEKAXkSDAoKCAESBgoACgIIAUIECgAQDQ=="
)
MATRIX = (
    "CAgSADpwChEKAXgKAXcSAXMiBk1hdE11bAoOCgFzCgFjEgF5IgNBZGQSAWcqEwgCCAEQASIIAAAAQAAAQEBCAXcqDQgBEAEiBAAAgD9CAWNaEQoBeB"
    "IMCgoIARIGCgAKAggCYhEKAXkSDAoKCAESBgoACgIIAUIECgAQDXIiCgdjb2x1bW5zEhdbImRpc3RhbmNlX21pIiwgImhvdXIiXQ=="
)
NAMELESS = (
    "CAgSADpwChEKAXgKAXcSAXMiBk1hdE11bAoOCgFzCgFjEgF5IgNBZGQSAWcqEwgCCAEQASIIAAAAQAAAQEBCAXcqDQgBEAEiBAAAgD9CAWNaEQoBeB"
    "IMCgoIARIGCgAKAggCYhEKAXkSDAoKCAESBgoACgIIAUIECgAQDQ=="
)


def of(folder: Path, name: str, content: bytes) -> dict[str, Path]:
    (folder / "blob").write_bytes(content)
    return {name: folder / "blob"}


def onnx(folder: Path, model: str) -> dict[str, Path]:
    return of(folder, "model.onnx", base64.b64decode(model))


def test_json_coefficients_predict(tmp_path: Path) -> None:
    predict = load(of(tmp_path, "model.json", json.dumps(LINEAR).encode()), known=KNOWN)
    assert predict(TABLE) == pytest.approx(TWO_A_MILE_THREE_AN_HOUR_AND_ONE)


def test_logistic_coefficients_predict_a_share(tmp_path: Path) -> None:
    even = {"format": "logistic/1", "intercept": 0.0, "numbers": [], "categories": []}
    predict = load(of(tmp_path, "model.json", json.dumps(even).encode()), known=KNOWN)
    assert predict(TABLE) == pytest.approx([0.5, 0.5])


def test_a_scikit_learn_model_in_skops_predicts(tmp_path: Path) -> None:
    model = Ridge(alpha=1e-9).fit(TABLE, TWO_A_MILE_THREE_AN_HOUR_AND_ONE)
    predict = load(of(tmp_path, "model.skops", skops.io.dumps(model)), known=KNOWN)
    assert predict(TABLE) == pytest.approx(TWO_A_MILE_THREE_AN_HOUR_AND_ONE, rel=1e-3)


@pytest.mark.parametrize("model", [COLUMNS, MATRIX])
def test_an_onnx_model_predicts(tmp_path: Path, model: str) -> None:
    assert load(onnx(tmp_path, model), known=KNOWN)(TABLE) == pytest.approx(TWO_A_MILE_THREE_AN_HOUR_AND_ONE)


def test_an_onnx_matrix_has_to_name_its_columns(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="does not say of which columns"):
        load(onnx(tmp_path, NAMELESS), known=KNOWN)


def test_an_onnx_model_asks_only_for_what_is_known(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="asks for hour, which is not among the inputs"):
        load(onnx(tmp_path, COLUMNS), known=["distance_mi"])


def test_without_the_library_an_onnx_model_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(Unreadable, match="install the portal's extra 'onnx'"):
        load(onnx(tmp_path, COLUMNS), known=KNOWN)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("model.json", {"format": "tree/1"}, "its format is 'tree/1'; the formats in JSON are linear/1, logistic/1."),
        ("model.json", LINEAR | {"numbers": [{"name": "air_time_min"}]}, "it asks for air_time_min, which is not"),
        ("python_model.pkl", {}, "it is a pickle, which runs code when it is loaded"),
        ("MLmodel", {}, "it is an MLflow pyfunc, which runs code of its own, and nobody is there to ask it"),
        ("model.bin", {}, "it has none of the files that can be read here; save it as model.json, model.skops"),
    ],
)
def test_what_is_not_read_has_its_sentence(tmp_path: Path, name: str, content: Any, sentence: str) -> None:
    with pytest.raises(Unreadable, match=sentence):
        load(of(tmp_path, name, json.dumps(content).encode()), known=KNOWN)


class Harmful:
    """Makes a file when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.file,))


@pytest.mark.parametrize("name", ["model.json", "model.skops", "model.onnx", "model.pkl"])
def test_a_pickle_is_never_loaded_whatever_its_name(tmp_path: Path, name: str) -> None:
    trap = tmp_path / "run"
    harmful = pickle.dumps(Harmful(trap))
    pickle.loads(harmful)
    assert trap.exists()
    trap.unlink()
    with pytest.raises(Exception):  # noqa: B017, PT011  whatever the library says, as long as nothing ran
        load(of(tmp_path, name, harmful), known=KNOWN)(TABLE)
    assert not trap.exists()


def test_types_that_nobody_trusts_are_not_made(tmp_path: Path) -> None:
    foreign = skops.io.dumps(Harmful(tmp_path))
    with pytest.raises(Unreadable, match="types that are not on the evaluator's list"):
        load(of(tmp_path, "model.skops", foreign), known=KNOWN)
