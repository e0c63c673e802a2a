"""A served portal for the journeys of a module."""

from collections.abc import Iterator

import pytest

from tests.journeys.portal import PATIENCE_SECONDS, ServedPortal, serving


def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """The first test of a served portal waits for the demo company; the others' limit would end that."""
    for item in items:
        if "portal" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(2 * PATIENCE_SECONDS))


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedPortal]:
    """Started as a newcomer starts it, with the demo company, so that takes a while."""
    with serving(tmp_path_factory.mktemp("log") / "portal") as portal:
        yield portal
