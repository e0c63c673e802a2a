import stat
from pathlib import Path

import pytest

from portal.local import services
from portal.local.errors import CannotRun
from portal.local.services import Keys, Services

RUNNING = Services("postgres://here", "redis://here", "key", pid=1, mark="mark", address="http://127.0.0.1:8000")


def test_nothing_runs_in_an_empty_folder(tmp_path: Path) -> None:
    assert services.load(tmp_path) is None
    assert services.saved_keys(tmp_path) is None


def test_what_was_saved_under_the_lock_is_what_runs(tmp_path: Path) -> None:
    held = services.lock(tmp_path)
    assert held is not None
    services.save(tmp_path, Keys(), RUNNING)
    assert services.load(tmp_path) == RUNNING
    services.unlock(held)


def test_what_a_dead_supervisor_left_does_not_run(tmp_path: Path) -> None:
    services.save(tmp_path, Keys(), RUNNING)
    assert services.load(tmp_path) is None
    assert services.left_behind(tmp_path) == RUNNING


def test_only_the_owner_may_read_the_file(tmp_path: Path) -> None:
    services.save(tmp_path, Keys())
    services.save(tmp_path, Keys(), RUNNING)
    assert stat.S_IMODE((tmp_path / "services.json").stat().st_mode) == 0o600


def test_keys_are_different_each_time_and_survive_a_restart(tmp_path: Path) -> None:
    keys = Keys()
    services.save(tmp_path, keys, RUNNING)
    services.save(tmp_path, keys)
    assert services.saved_keys(tmp_path) == keys
    assert Keys().secret_key != keys.secret_key
    assert len({keys.secret_key, keys.postgres_password, keys.database_password, keys.redis_password}) == 4


def test_the_lock_has_one_holder(tmp_path: Path) -> None:
    held = services.lock(tmp_path)
    assert held is not None
    assert services.lock(tmp_path) is None
    services.unlock(held)
    again = services.lock(tmp_path)
    assert again is not None
    services.unlock(again)


def test_a_damaged_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "services.json").write_text("{")
    with pytest.raises(CannotRun, match=r"is damaged. Remove the whole folder"):
        services.saved_keys(tmp_path)
