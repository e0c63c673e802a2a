"""Both servers, once for all of the suite."""

from collections.abc import Iterator

import pytest

from tests.parity import servers
from tests.parity.compared import Both


@pytest.fixture(scope="session")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    folder = tmp_path_factory.mktemp("parity")
    with servers.mlflow(folder) as mlflow, servers.portal(folder) as portal:
        yield Both(mlflow, portal)


@pytest.fixture(autouse=True, scope="session")
def var_dir() -> None:
    """The portal here is a process of its own with a folder of its own."""
