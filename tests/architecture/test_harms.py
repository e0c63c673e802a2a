"""The list of harms names tests that are there."""

import re
from pathlib import Path

import tests.faults as faults

TESTS = Path(__file__).parents[1]


def test_each_harm_that_must_lose_nothing_has_the_tests_that_its_list_names() -> None:
    harms = (faults.__doc__ or "").split("\n- ")[1:]
    assert len(harms) >= 10
    for harm in harms:
        named = re.findall(r"(\S+\.py)::(\w+)", harm)
        assert named, harm
        for file, test in named:
            assert f"def {test}(" in (TESTS / file).read_text(encoding="utf-8"), test
