"""What a script wrote about itself."""

from pathlib import Path

import pytest

from apps.core.errors import Invalid
from apps.retraining.results import metrics_of


def written(folder: Path, text: str) -> dict[str, Path]:
    file = folder / "metrics.json"
    file.write_text(text, encoding="utf-8")
    return {"metrics.json": file}


def test_numbers_are_read_by_name(tmp_path: Path) -> None:
    assert metrics_of(written(tmp_path, '{"mae": 6.5, "rows": 92}')) == {"mae": 6.5, "rows": 92.0}


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"nor in metrics\.json"):
        metrics_of({})


HARMLESS = ["", "{", "[1]", '"mae"', '{"mae": "6"}', '{"mae": true}', '{"mae": null}', '{"": 1}', '{"a\\u0000": 1}']
HOSTILE = ["[" * 100_000, '{"mae": 1' + "0" * 400 + "}", '{"' + "x" * 251 + '": 1}', '{"x": "' + "y" * 1_100_000 + '"}']


@pytest.mark.parametrize("text", [*HARMLESS, *HOSTILE], ids=range(13))
def test_anything_but_an_object_of_numbers_is_refused_with_a_sentence(tmp_path: Path, text: str) -> None:
    with pytest.raises(Invalid) as caught:
        metrics_of(written(tmp_path, text))
    assert "metrics.json" in caught.value.message
    assert caught.value.message.endswith(".")
