from datetime import date
from pathlib import Path

import pytest

from apps.demo.lake import reveal, reveal_demand


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lake on the last day of July: August has not happened yet."""
    folder = tmp_path_factory.mktemp("lake")
    reveal(folder, date(2013, 7, 31))
    return folder


@pytest.fixture(scope="session")
def demand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each day's flights of the whole year."""
    folder = tmp_path_factory.mktemp("demand")
    reveal_demand(folder, date(2013, 12, 31))
    return folder
