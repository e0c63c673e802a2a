"""The local runner against scripts that misbehave: limits hold, nothing stays behind, the reason is a sentence."""

import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from apps.platforms.base import Continue, End, Outcome, Progress, Work
from apps.platforms.local import LocalRunner, isolation
from apps.platforms.local.privileges import UIDS, may_reach
from tests.open_places import a_place_for_everybody, network_can_be_taken_away, reachable_python
from tests.platforms.conftest import LIMITS, METRICS, Build, Gone, Run, runs

StartWorker = Callable[[str], subprocess.Popen[str]]
Elsewhere = tuple[LocalRunner, Path]

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may start a process as another user")


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGKILL", "SIGABRT"])
def test_a_script_that_dies_by_a_signal_is_named(run: Run, name: str) -> None:
    outcome = run(f"import os, signal; print('before'); os.kill(os.getpid(), signal.{name})")
    assert (outcome.end, outcome.cause) == (End.FAILED, "signal")
    assert f"ended by {name}" in outcome.reason
    assert outcome.log == "before\n"


def test_a_real_segmentation_fault_does_not_hurt_the_next_run(run: Run) -> None:
    assert run("import ctypes; ctypes.string_at(0)").cause == "signal"
    assert run(METRICS).end is End.SUCCEEDED


def test_a_script_that_hangs_is_ended_at_its_time_limit(run: Run) -> None:
    outcome = run("import time; time.sleep(60)", limits=replace(LIMITS, seconds=0.5))
    assert (outcome.end, outcome.cause) == (End.FAILED, "timeout")
    assert outcome.reason == "It ran longer than its limit of 0.5 seconds."


def test_a_script_that_ignores_sigterm_is_ended_all_the_same(run: Run, gone: Gone) -> None:
    outcome = run(
        "import os, signal, time; signal.signal(15, signal.SIG_IGN); print(os.getpid()); time.sleep(60)",
        beat=lambda progress: Continue.CANCEL if progress.log else Continue.GO,
    )
    assert outcome.end is End.CANCELLED
    assert gone(int(outcome.log))


FORKING = """
import os, time
def sleeper(hide):
    if os.fork() == 0:
        if hide:
            os.setsid()
            if os.fork(): os._exit(0)
        print(os.getpid(), flush=True)
        time.sleep(60)
        os._exit(0)
for number in range(5):
    sleeper(hide=number % 2)
time.sleep(0.3)
"""


@pytest.mark.parametrize("ending", [METRICS, "1 / 0", "time.sleep(60)"])
def test_forked_and_hidden_processes_are_gone_when_the_run_returns(run: Run, ending: str) -> None:
    outcome = run(FORKING + ending, limits=replace(LIMITS, seconds=2))
    pids = [int(line) for line in outcome.log.splitlines() if line.isdigit()]
    assert len(pids) == 5
    assert not [pid for pid in pids if runs(pid)]


def test_a_script_that_forks_without_end_is_stopped(run: Run) -> None:
    outcome = run("import os, time\nfor _ in range(400): os.fork() or time.sleep(60)\ntime.sleep(60)")
    assert outcome.cause == "memory"
    assert "more than 256 processes" in outcome.reason


@pytest.mark.parametrize(
    "eat", ["keep = [bytearray(b'x' * (10 << 20)) for _ in range(300)]", "os.fork(); keep = b'x' * (300 << 20)"]
)
def test_a_script_that_eats_memory_is_ended_also_when_its_children_share_the_meal(run: Run, eat: str) -> None:
    outcome = run(f"import os, time; {eat}; time.sleep(60)")
    assert (outcome.end, outcome.cause) == (End.FAILED, "memory")
    assert outcome.reason == "It used more than its limit of 400 MB of memory."


def test_a_hundred_megabytes_of_output_are_cut_to_their_end(run: Run) -> None:
    before = _peak()
    beats: list[Progress] = []

    def beat(progress: Progress) -> Continue:
        beats.append(progress)
        return Continue.GO

    outcome = run(
        f"""
        line = "x" * 999 + "\\n"
        import sys
        for _ in range(100_000): sys.stdout.write(line)
        print("PORTAL_PROGRESS 0.9 nearly"); print("the end"); sys.stdout.flush()
        import time; time.sleep(1)
        {METRICS}
        """,
        beat=beat,
    )
    assert outcome.end is End.SUCCEEDED
    assert outcome.log.startswith("[the log may have 100,000 bytes and has 100,0")
    assert outcome.log.endswith("the end\n")
    assert len(outcome.log.encode()) <= 100_000
    said = [progress.log for progress in beats if progress.log]
    assert all(len(log) <= 100_000 + 100 for log in said)
    assert "bytes are left out here]" in said[0]
    assert said[-1].endswith("the end\n"), "what is said while it runs goes on after the limit, too"
    assert beats[-1].fraction == 0.9
    assert _peak() - before < 20 << 20


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def test_bytes_that_are_no_text_and_nul_do_not_break_the_log(run: Run) -> None:
    outcome = run(f"import os; os.write(1, b'a\\xff\\0b'); {METRICS}", limits=replace(LIMITS, log_bytes=8))
    assert outcome.end is End.SUCCEEDED
    assert "\0" not in outcome.log
    assert len(outcome.log.encode()) <= 8


def test_colours_are_left_out_of_the_log_also_when_a_beat_cuts_one(run: Run) -> None:
    seen: list[str] = []

    def beat(progress: Progress) -> Continue:
        seen.append(progress.log)
        return Continue.GO

    script = """
import sys, time
for piece in ("\\x1b[1;3", "1mred\\x1b[0m and \\x1b]0;title\\x07plain\\x1b[2K", "\\n 9 %\\r10 %\\rdone\\r\\n"):
    sys.stdout.write(piece); sys.stdout.flush(); time.sleep(0.5)
"""
    assert run(script, beat).log == "red and plain\ndone\r\n"
    assert "red and plain\ndone\r\n".startswith("".join(seen))


def test_only_plain_files_below_out_are_returned(run: Run, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    outcome = run(
        f"""
        {METRICS}
        os.symlink("/etc/passwd", "link"); os.symlink("/etc", "folder"); os.mkfifo("pipe")
        os.mkdir("sub"); os.symlink("../../../..", "sub/up"); open("sub/model.json", "w").write("1")
        open(b"bad\\xff", "w"); open("new\\nline", "w"); open("back\\\\slash", "w"); open("x" * 251, "w")
        try: os.link({str(tmp_path / "secret")!r}, "hard")
        except OSError: pass
        """
    )
    assert set(outcome.files) == {"metrics.json", "sub/model.json"}
    assert "[not kept: link is not a regular file]" in outcome.log
    assert not any(path.is_symlink() for path in outcome.files.values())
    assert {path.stat().st_uid for path in outcome.files.values()} == {os.geteuid()}


def test_metrics_behind_a_link_are_not_read(run: Run, tmp_path: Path) -> None:
    (tmp_path / "theirs.json").write_text('{"mae": 0}')
    outcome = run(f"import os; os.symlink({str(tmp_path / 'theirs.json')!r}, 'metrics.json')")
    assert "metrics.json" not in outcome.files


@pytest.mark.parametrize(
    "write",
    [
        "open('big', 'wb').truncate(1 << 40)",
        "f = open('big', 'wb')\nwhile True: f.write(bytes(1 << 20))",
        "for n in range(9): open(str(n), 'wb').write(bytes(1 << 20))",
        "import time; [open(f'../home/{n}', 'wb').write(bytes(4 << 20)) for n in range(2)]; time.sleep(60)",
        "for n in range(10_001): open(str(n), 'w')",
        "import os; os.system('head -c 9000000 /dev/zero > big'); print('went on')",
    ],
)
def test_too_much_output_fails_with_a_sentence(run: Run, write: str) -> None:
    outcome = run(f"{METRICS}\n{write}")
    assert (outcome.end, outcome.cause) == (End.FAILED, "output")
    assert "It wrote more than" in outcome.reason
    assert not outcome.files


def test_a_folder_of_any_depth_and_mode_can_be_discarded(runner: LocalRunner, work: Build) -> None:
    deep = work(
        f"""
        {METRICS}
        for _ in range(1500):
            os.mkdir("d" * 9); os.chdir("d" * 9)
        os.mkdir("shut", 0)
        """
    )
    assert runner.run(deep, lambda _: Continue.GO).end is End.SUCCEEDED
    runner.discard(deep)
    assert not (runner.root / deep.key).exists()


def test_the_script_sees_none_of_the_portals_environment(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "SECRET_KEY", "REDIS_URL", "PYTHONPATH"):
        monkeypatch.setenv(name, "secret-value")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/company.pem")
    outcome = run(
        f"""
        {METRICS}
        import sys
        print(json.dumps(dict(os.environ)), open("/proc/self/environ").read(), sys.argv, os.getcwd())
        print(sorted(os.listdir("/proc/self/fd")), "apps" in sys.modules, sys.stdin.read() == "")
        """
    )
    assert "secret" not in outcome.log
    assert "PORTAL_PARAMS" in outcome.log
    assert '"REQUESTS_CA_BUNDLE": "/etc/company.pem"' in outcome.log
    assert outcome.log.splitlines()[-1] == "['0', '1', '2', '3'] False True"  # 3 is the listing itself


def test_training_goes_after_what_people_wait_for(run: Run) -> None:
    outcome = run(
        f"""
        {METRICS}
        print(os.getpriority(os.PRIO_PROCESS, 0))
        print(open("/proc/self/autogroup").read().strip() if os.path.exists("/proc/self/autogroup") else "no")
        """
    )
    niceness, session = outcome.log.splitlines()[-2:]
    assert int(niceness) == min(os.getpriority(os.PRIO_PROCESS, 0) + 10, 19)
    assert session.endswith(f"nice {niceness}") or session == "no"


def test_the_second_run_is_forked_by_the_same_warm_parent(run: Run) -> None:
    script = f"import sys; print('decimal' in sys.modules)\n{METRICS}\n{_GRANDPARENT}"
    first, second = (run(script, preload=("decimal",)) for _ in range(2))
    assert first.log.startswith("True\n")
    assert first.log == second.log


_GRANDPARENT = "print(open(f'/proc/{os.getppid()}/stat').read().rpartition(')')[2].split()[1])"


def test_a_warm_parent_without_work_ends_and_the_next_run_starts_another(
    runner: LocalRunner, work: Build, gone: Gone
) -> None:
    runner.idle = 0.3
    script = work(f"{METRICS}\n{_GRANDPARENT}")
    first = int(runner.run(script, lambda _: Continue.GO).log)
    assert gone(first)
    assert int(runner.run(script, lambda _: Continue.GO).log) != first


def test_runs_do_not_share_numpys_seed(run: Run) -> None:
    draw = f"import numpy\nprint(numpy.random.rand())\n{METRICS}"
    first, second = (run(draw, preload=("numpy.random",)).log for _ in range(2))
    assert first != second


def test_a_library_that_cannot_be_loaded_is_a_sentence(run: Run) -> None:
    outcome = run(METRICS, preload=("no_such_library",))
    assert (outcome.end, outcome.cause) == (End.FAILED, "start")
    assert "No module named" in outcome.reason


@pytest.mark.parametrize(("python", "words"), [("/bin/false", "ended or hung"), ("/no/python", "No such file")])
def test_an_interpreter_that_does_not_start_is_a_sentence(
    runner: LocalRunner, work: Build, python: str, words: str
) -> None:
    runner.python = python
    outcome = runner.run(work(METRICS), lambda _: Continue.GO)
    assert (outcome.end, outcome.cause) == (End.FAILED, "start")
    assert words in outcome.reason


def test_a_missing_script_and_a_missing_input_are_sentences(runner: LocalRunner, work: Build, tmp_path: Path) -> None:
    lost = replace(work("pass"), script=tmp_path / "nowhere.py")
    assert "does not exist on this worker" in runner.run(lost, lambda _: Continue.GO).reason
    outcome = runner.run(work("pass", inputs={"m": tmp_path / "nothing"}), lambda _: Continue.GO)
    assert (outcome.cause, "No such file" in outcome.reason) == ("start", True)


def test_a_beat_that_raises_leaves_no_process_behind(run: Run, gone: Gone) -> None:
    seen: list[str] = []

    def beat(progress: Progress) -> Continue:
        seen.append(progress.log)
        if progress.log:
            raise RuntimeError("database gone")
        return Continue.GO

    with pytest.raises(RuntimeError, match="database gone"):
        run("import os, time; print(os.getpid()); time.sleep(60)", beat=beat)
    assert gone(int("".join(seen)))
    assert run(METRICS).end is End.SUCCEEDED


@pytest.mark.parametrize("levels", [1, 2])
def test_a_supervisor_or_warm_parent_killed_from_outside_is_noticed(run: Run, gone: Gone, levels: int) -> None:
    """Level 1 is the supervisor, above it the warm parent; both are killed for level 2."""
    pids: list[int] = []

    def beat(progress: Progress) -> Continue:
        if progress.log and not pids:
            pids.extend(int(pid) for pid in progress.log.split())
            for pid in reversed(pids[1 : 1 + levels]):
                os.kill(pid, signal.SIGKILL)
        return Continue.GO

    outcome = run(
        """
        import os, time
        above = open(f"/proc/{os.getppid()}/stat").read().rpartition(")")[2].split()[1]
        print(os.getpid(), os.getppid(), above)
        time.sleep(60)
        """,
        beat=beat,
    )
    assert (outcome.end, outcome.cause) == (End.LOST, "lost")
    assert "killed from outside" in outcome.reason
    assert gone(pids[0])
    assert run(METRICS).end is End.SUCCEEDED


WORKER = """
import sys
sys.path.insert(0, {root!r})
from pathlib import Path
from apps.platforms.base import Continue, Limits, Work
from apps.platforms.local import LocalRunner
runner = LocalRunner(Path({scratch!r}), beat_every=0.1)
work = Work("killed-1", Path({script!r}), {{}}, "atlanta", None, Limits(60, 400, 10000, 10000))
def beat(progress):
    print(progress.log, end="", flush=True)
    return Continue.GO
runner.run(work, beat)
"""


@pytest.fixture
def worker(tmp_path: Path) -> StartWorker:
    """Starts a process that runs the script; it prints the script's log."""
    script, root = tmp_path / "train.py", str(Path(__file__).parents[2])

    def start(text: str) -> subprocess.Popen[str]:
        script.write_text(text)
        code = WORKER.format(root=root, scratch=str(tmp_path / "scratch"), script=str(script))
        return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)

    return start


def test_a_worker_killed_with_9_takes_all_its_processes_along(worker: StartWorker, gone: Gone) -> None:
    with worker(FORKING + "print(os.getpid(), os.getppid(), flush=True)\ntime.sleep(60)") as process:
        pids = [pid for _ in range(6) for pid in _numbers(process)]
        process.kill()
    assert len(pids) == 7
    assert all(gone(pid) for pid in pids)


def test_a_script_dies_with_its_supervisor_when_everything_above_it_is_killed(worker: StartWorker, gone: Gone) -> None:
    script = "import os, time\n" + _GRANDPARENT + "\nprint(os.getppid(), os.getpid(), flush=True)\ntime.sleep(60)"
    with worker(script) as process:
        [above], [supervisor, child] = _numbers(process), _numbers(process)
        for pid in (process.pid, above, supervisor):
            os.kill(pid, signal.SIGKILL)
    assert gone(child)


def _numbers(process: subprocess.Popen[str]) -> list[int]:
    """Those of the next line the process prints."""
    assert process.stdout
    return [int(word) for word in process.stdout.readline().split()]


def test_the_folder_a_killed_worker_left_is_removed_by_a_later_run(run: Run, runner: LocalRunner) -> None:
    left, held = runner.root / "killed-2", runner.root / "run-1"
    left.mkdir(parents=True)
    run(METRICS)
    os.utime(left, (time.time() - 900,) * 2)
    os.utime(held, (time.time() - 900,) * 2)
    run(METRICS, key="run-2")
    assert not left.exists()
    assert held.exists()


def test_a_fork_of_the_portals_process_starts_its_own_warm_parent(runner: LocalRunner, work: Build, gone: Gone) -> None:
    script = work(f"{METRICS}\n{_GRANDPARENT}")
    theirs = int(runner.run(script, lambda _: Continue.GO).log)
    pid = os.fork()
    if pid == 0:
        outcome = runner.run(replace(script, key="run-2"), lambda _: Continue.GO)
        runner.close()
        os._exit(0 if outcome.end is End.SUCCEEDED and int(outcome.log) != theirs else 1)
    assert os.waitpid(pid, 0)[1] == 0
    assert int(runner.run(script, lambda _: Continue.GO).log) == theirs
    runner.close()
    assert gone(theirs)


def test_a_fork_of_the_portals_process_does_not_keep_the_warm_parents_socket_open(run: Run) -> None:
    before = _sockets()
    run(METRICS)
    ours = _sockets() - before
    assert ours
    pid = os.fork()
    if pid == 0:
        os._exit(1 if _sockets() & ours else 0)
    assert os.waitpid(pid, 0)[1] == 0


def _sockets() -> set[str]:
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found.add(str(entry.readlink()))
    return {link for link in found if link.startswith("socket:")}


def test_a_daemonic_process_may_run_training(tmp_path: Path, work: Build) -> None:
    """Celery's pool children are daemonic: they may not have multiprocessing children."""
    from billiard import Process

    process = Process(target=_run_and_exit, args=(tmp_path / "scratch", work(METRICS)), daemon=True)
    process.start()
    process.join(20)
    assert process.exitcode == 0


def _run_and_exit(scratch: Path, work: Work) -> None:
    runner = LocalRunner(scratch)
    outcome = runner.run(work, lambda _: Continue.GO)
    runner.close()
    sys.exit(0 if outcome.end is End.SUCCEEDED else 1)


# As another operating-system user


@pytest.fixture(scope="module")
def open_place() -> Iterator[Path]:
    with a_place_for_everybody() as place:
        yield place


@pytest.fixture(scope="module")
def python(open_place: Path) -> str:
    return reachable_python(open_place)


@pytest.fixture
def other_user(open_place: Path, python: str) -> Iterator[Elsewhere]:
    """A runner whose scratch folder and interpreter every user can reach, and a folder for scripts of the same kind."""
    runner = LocalRunner(open_place / "scratch", beat_every=0.1, python=python)
    yield runner, open_place
    runner.close()


def _work_in(place: Path, build: Build, script: str, **fields: Any) -> Work:
    path = place / "train.py"
    path.write_text(script)
    path.chmod(0o644)
    return replace(build(script, **fields), script=path)


@needs_root
@pytest.mark.skipif(not network_can_be_taken_away(), reason="this system does not let root take a network away")
def test_what_is_isolated_reaches_no_network(other_user: Elsewhere, work: Build) -> None:
    runner, place = other_user
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        script = f"import socket; socket.create_connection(('127.0.0.1', {port}), timeout=5); {METRICS}"
        assert runner.run(_work_in(place, work, script), lambda _: Continue.GO).end is End.SUCCEEDED
        alone = _work_in(place, work, script, key="alone", isolated=True)
        assert "OSError" in runner.run(alone, lambda _: Continue.GO).reason


@needs_root
def test_what_has_to_be_isolated_does_not_run_where_it_can_not_be(other_user: Elsewhere, work: Build) -> None:
    runner, _ = other_user
    refused = runner.run(work(METRICS, isolated=True), lambda _: Continue.GO)
    assert (refused.end, refused.cause) == (End.FAILED, "start")
    assert "Isolation is off, because another operating-system user cannot reach" in refused.reason


@needs_root
def test_a_run_has_a_user_of_its_own_without_rights(other_user: Elsewhere, work: Build, tmp_path: Path) -> None:
    runner, place = other_user
    model = tmp_path / "model.json"
    model.write_text("{}")
    model.chmod(0o600)
    script = f"""{METRICS}
import subprocess, statistics
print(os.getresuid(), os.getresgid(), os.getgroups())
print(open(os.environ["PORTAL_INPUTS"] + "/model.json").read(), json.load(open(os.environ["PORTAL_PARAMS"])))
print([line for line in open("/proc/self/status") if line.startswith(("CapEff", "NoNewPrivs"))])
for path in ("/etc/shadow", "../lock", {str(tmp_path)!r}, f"/proc/{{os.getppid()}}/environ"):
    try: os.listdir(path) if os.path.isdir(path) else open(path)
    except PermissionError: print("refused")
try: open("../params.json", "w")
except PermissionError: print("refused")
try: os.kill(os.getppid(), 9)
except PermissionError: print("refused")
"""
    curious = _work_in(place, work, script, inputs={"model.json": model}, params={"a": 1})
    outcome = runner.run(curious, lambda _: Continue.GO)
    runner.discard(curious)
    assert outcome.end is End.SUCCEEDED, outcome.log
    lines = outcome.log.splitlines()
    ids = json.loads("[" + lines[0].replace("(", "[").replace(")", "]").replace("] [", "], [") + "]")
    assert set(ids[0] + ids[1]) <= set(UIDS)
    assert ids[2] == []
    assert lines[1] == "{} {'a': 1}"
    assert "CapEff:\\t0000000000000000" in lines[2]
    assert "NoNewPrivs:\\t1" in lines[2]
    assert lines[3:] == ["refused"] * 6


@needs_root
def test_two_runs_at_once_cannot_reach_each_other(other_user: Elsewhere, work: Build, python: str) -> None:
    runner, place = other_user
    neighbour = LocalRunner(runner.root, beat_every=0.1, python=python)
    first = _work_in(place, work, "import os, time; print(os.getpid()); time.sleep(60)", key="first")
    second = place / "second.py"
    second.write_text(
        """import json, os, sys
params = json.load(open(os.environ["PORTAL_PARAMS"]))
for attempt in (lambda: os.listdir(params["folder"]), lambda: os.kill(params["pid"], 9),
                lambda: open(f"/proc/{params['pid']}/environ").read(), lambda: os.chdir(params["folder"] + "/out")):
    try: attempt()
    except PermissionError: print("refused")
json.dump({}, open("metrics.json", "w"))
"""
    )
    outcomes: list[Outcome] = []

    def beat(progress: Progress) -> Continue:
        if not progress.log:
            return Continue.GO
        params = {"pid": int(progress.log), "folder": str(runner.root / "first")}
        outcomes.append(neighbour.run(replace(first, key="second", script=second, params=params), beat))
        return Continue.CANCEL

    assert runner.run(first, beat).end is End.CANCELLED
    neighbour.close()
    assert outcomes[0].end is End.SUCCEEDED, outcomes[0].log
    assert outcomes[0].log == "refused\n" * 4


@needs_root
def test_a_fork_bomb_of_another_user_is_ended_in_one_step(other_user: Elsewhere, work: Build) -> None:
    runner, place = other_user
    bomb = "import os\nprint(os.getuid(), flush=True)\nwhile True:\n    try: os.fork()\n    except OSError: pass\n"
    outcome = runner.run(_work_in(place, work, bomb), lambda _: Continue.GO)
    assert outcome.cause == "memory"
    uid = int(outcome.log.split()[0])
    assert uid in UIDS
    assert uid not in _users_at_work()


def _users_at_work() -> set[int]:
    uids = set()
    for entry in os.scandir("/proc"):
        with contextlib.suppress(OSError):
            uids.add(entry.stat().st_uid)
    return uids


@needs_root
def test_isolation_is_off_with_the_path_that_cannot_be_reached(open_place: Path, tmp_path: Path) -> None:
    closed = open_place / "closed"
    closed.mkdir(mode=0o700)
    (closed / "script.py").write_text("")
    answer = isolation(open_place / "scratch", [closed / "script.py"], python=[])
    assert not answer.on
    assert str(closed / "script.py") in answer.because
    assert isolation(open_place / "scratch", [Path("/etc/passwd")], python=[]).on
    assert not may_reach(closed, UIDS[0], UIDS[0])
    assert may_reach(Path("/etc/passwd"), UIDS[0], UIDS[0])


def test_isolation_is_off_where_the_portal_is_not_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "not root" in isolation(tmp_path, []).because
