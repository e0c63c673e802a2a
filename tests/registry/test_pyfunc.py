"""What is done with MLflow pyfuncs without MLflow: what is refused. tests/parity asks real ones."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from apps.registry.model_loaders import Unreadable, load
from apps.registry.pyfunc.environments import Unmakeable, check_python, requirements_of

TABLE = pd.DataFrame({"miles": [1.0, 2.0], "carrier": ["DL", "AA"], "late": [True, False]})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("mlflow\n--index-url https://elsewhere/simple", "only packages of the configured index are installed"),
        ("mlflow\nevil @ https://elsewhere/evil.whl", "only packages of the configured index are installed"),
        ("mlflow\n-r /etc/passwd", "only packages of the configured index are installed"),
        ("mlflow\n./here", "only packages of the configured index are installed"),
        ("numpy==2.4", "names no mlflow"),
        ("", "names no mlflow"),
        ("mlflow\n" + "\n".join(f"p{n}" for n in range(300)), "names more than 200 packages"),
    ],
)
def test_an_environment_holds_only_packages_of_the_index(text: str, sentence: str) -> None:
    with pytest.raises(Unmakeable, match=sentence):
        requirements_of(text)


def test_the_same_packages_are_the_same_environment() -> None:
    one = requirements_of("mlflow==3.17.2\n# by hand\n\nnumpy>=2  # or newer\n")
    assert one == requirements_of("numpy>=2\nmlflow==3.17.2") == ["mlflow==3.17.2", "numpy>=2"]


def test_a_model_of_another_python_is_not_asked() -> None:
    with pytest.raises(Unmakeable, match=r"it was saved under Python .*, and this worker has"):
        check_python("python: 2.7.18\nbuild_dependencies: []")


def test_rows_are_written_down_without_what_is_not_known_and_answers_are_found_by_their_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PORTAL_INPUTS", "PORTAL_OUT"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("PORTAL_PARAMS", str(tmp_path / "params.json"))
    (tmp_path / "params.json").write_text(json.dumps({"pyfunc": ""}))
    predict = load({"MLmodel": tmp_path / "blob"}, known=["miles", "carrier"])
    with pytest.raises(Unreadable, match="has not asked it yet"):
        predict(TABLE)
    (asked,) = tmp_path.glob("question-*.json")
    said = json.loads(asked.read_text())
    assert (said["model"], said["types"]) == ({"MLmodel": "blob"}, {"miles": "float64", "carrier": "object"})
    assert said["rows"] == {"miles": [1.0, 2.0], "carrier": ["DL", "AA"]}
    answer = tmp_path / asked.name.replace("question", "answer")
    answer.write_text(json.dumps({"answers": [3, 4], "error": ""}))
    assert np.array_equal(predict(TABLE), [3.0, 4.0])
    answer.write_text(json.dumps({"error": "it broke."}))
    with pytest.raises(Unreadable, match="it broke"):
        predict(TABLE)
    with pytest.raises(Unreadable, match="has not asked it yet"):
        predict(TABLE * 2)
