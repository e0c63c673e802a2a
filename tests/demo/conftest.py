from datetime import date
from pathlib import Path

import pytest

from apps.demo.lake import reveal


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lake on the last day of July: August has not happened yet."""
    folder = tmp_path_factory.mktemp("lake")
    reveal(folder, date(2013, 7, 31))
    return folder
