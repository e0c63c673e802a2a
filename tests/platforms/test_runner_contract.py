"""What every Runner has to do, whatever it runs on; only the local one exists so far."""

import json
from importlib.metadata import version
from inspect import signature
from pathlib import Path

import pytest

from apps.platforms.base import Continue, End, Limits, Progress, Runner
from apps.platforms.local import LocalRunner
from tests.platforms.conftest import METRICS, Build, Run


def test_a_script_that_writes_metrics_succeeds_and_its_files_are_returned(run: Run) -> None:
    outcome = run(
        f"""
        {METRICS}
        os.mkdir("model")
        open("model/weights.json", "w").write("[1, 2]")
        """
    )
    assert (outcome.end, outcome.cause, outcome.reason) == (End.SUCCEEDED, "", "")
    assert set(outcome.files) == {"metrics.json", "model/weights.json"}
    assert json.loads(outcome.files["metrics.json"].read_text()) == {"mae": 1.5}
    assert outcome.seconds > 0


@pytest.mark.parametrize(
    "params", [{"alpha": 0.5, "flag": False, "empty": "", "city": "Zürich\n✈", "none": None, "list": [1, {}]}, {}]
)
def test_parameters_arrive_exactly_as_they_were_given(run: Run, params: dict[str, object]) -> None:
    outcome = run(
        """
        import os, shutil
        shutil.copy(os.environ["PORTAL_PARAMS"], "params.json")
        open("metrics.json", "w").write("{}")
        """,
        params=params,
    )
    assert json.loads(outcome.files["params.json"].read_text()) == params


def test_segment_data_inputs_and_extra_environment_reach_the_script(run: Run, tmp_path: Path) -> None:
    data, model = tmp_path / "data.csv", tmp_path / "model.json"
    data.write_text("a,b")
    model.write_text("{}")
    outcome = run(
        """
        import json, os
        read = lambda name: open(name).read()
        e = os.environ
        print(e["PORTAL_SEGMENT"], e["MLFLOW_RUN_ID"], read(e["PORTAL_DATA"]), end=" ")
        print(read(e["PORTAL_INPUTS"] + "/champion/m.json"))
        open("metrics.json", "w").write("{}")
        """,
        data=data,
        inputs={"champion/m.json": model},
        env={"MLFLOW_RUN_ID": "abc"},
    )
    assert outcome.log == "atlanta abc a,b {}\n"


def test_exit_status_3_with_a_sentence_is_no_data(run: Run) -> None:
    outcome = run("open('reason.txt', 'w').write('Only 12 rows, 30 are needed.\\nmore'); raise SystemExit(3)")
    assert (outcome.end, outcome.cause) == (End.NO_DATA, "no-data")
    assert outcome.reason == "Only 12 rows, 30 are needed."


def test_exit_status_3_without_a_sentence_is_a_failure_that_says_so(run: Run) -> None:
    outcome = run("raise SystemExit(3)")
    assert (outcome.end, outcome.cause) == (End.FAILED, "exit")
    assert "reason.txt" in outcome.reason


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (
            "def fit():\n    raise ValueError('alpha must\\nbe above 0')\nfit()",
            "The script ended with ValueError: alpha must (exit status 1).",
        ),
        ("import no_such_library", "No module named 'no_such_library'"),
        ("print('starting'); import sys; sys.exit('no licence found')", "no licence found (exit status 1)"),
        ("import os; os._exit(7)", "The script printed no error (exit status 7)."),
        ("this is no python", "SyntaxError"),
    ],
)
def test_the_reason_of_a_failure_is_a_sentence_with_the_scripts_last_words(run: Run, script: str, reason: str) -> None:
    outcome = run(script)
    assert (outcome.end, outcome.cause) == (End.FAILED, "exit")
    assert reason in outcome.reason
    assert not outcome.files


def test_the_traceback_in_the_log_begins_in_the_script(run: Run) -> None:
    assert "confinement" not in run("1 / 0").log


@pytest.mark.parametrize(
    "metrics",
    ["", "{", "[1]", '{"mae": "1"}', '{"mae": true}', '{"mae": NaN}', '{"a": {"b": 1}}', "[" * 99999,
     '{"mae": 1e999}', '{"mae": 1' + "0" * 400 + "}", '{"a\\u0000": 1}'],
)  # fmt: skip
def test_metrics_that_are_no_numbers_fail_the_run(run: Run, metrics: str) -> None:
    outcome = run(f"open('metrics.json', 'w').write({metrics!r})")
    assert (outcome.end, outcome.cause) == (End.FAILED, "output")
    assert "metrics.json" in outcome.reason


def test_whether_a_run_needs_metrics_is_for_its_caller_to_say(run: Run) -> None:
    """A script may have logged them with MLflow; the runner does not know."""
    outcome = run("pass")
    assert (outcome.end, dict(outcome.files)) == (End.SUCCEEDED, {})


def test_beats_carry_progress_and_each_line_of_the_log_once(run: Run) -> None:
    seen: list[Progress] = []

    def beat(progress: Progress) -> Continue:
        seen.append(progress)
        return Continue.GO

    outcome = run(
        f"""
        import time
        for step in range(4):
            print(f"PORTAL_PROGRESS {{step / 4}} step {{step}}")
            time.sleep(0.2)
        print("PORTAL_PROGRESS nonsense"); print("PORTAL_PROGRESS nan x")
        {METRICS}
        """,
        beat=beat,
    )
    assert outcome.end is End.SUCCEEDED
    said = {(progress.fraction, progress.message) for progress in seen}
    assert said & {(step / 4, f"step {step}") for step in range(4)}
    assert said <= {(None, ""), *((step / 4, f"step {step}") for step in range(4))}
    assert outcome.log.startswith("".join(progress.log for progress in seen))
    assert any(progress.log for progress in seen)


@pytest.mark.parametrize(
    ("answer", "end", "cause"), [(Continue.CANCEL, End.CANCELLED, "cancelled"), (Continue.LOST, End.LOST, "lost")]
)
def test_a_beat_can_end_the_run(run: Run, answer: Continue, end: End, cause: str) -> None:
    outcome = run("import time; print('here', flush=True); time.sleep(60)", beat=lambda _: answer)
    assert (outcome.end, outcome.cause) == (end, cause)
    assert outcome.reason.endswith(".")
    assert outcome.log == "here\n"


def test_discard_removes_everything_and_may_be_repeated(runner: Runner, work: Build, tmp_path: Path) -> None:
    done = work(METRICS)
    runner.run(done, lambda _: Continue.GO)
    assert (tmp_path / "scratch" / "run-1").exists()
    runner.discard(done)
    runner.discard(done)
    assert not (tmp_path / "scratch" / "run-1").exists()


@pytest.mark.parametrize("key", ["", "../x", "a/b", ".hidden", "a\0b"])
def test_a_key_that_is_no_file_name_is_refused(run: Run, key: str) -> None:
    with pytest.raises(ValueError, match="cannot name a scratch folder"):
        run("pass", key=key)


@pytest.mark.parametrize("method", ["run", "discard"])
def test_the_local_runner_has_the_runners_shape(method: str) -> None:
    assert signature(getattr(LocalRunner, method)) == signature(getattr(Runner, method))


def test_what_a_script_had_loaded_is_known_with_its_version(run: Run) -> None:
    outcome = run(f"import yaml, json\n{METRICS}\nraise SystemExit(1)", preload=("jsonschema",))
    assert outcome.libraries["PyYAML"] == version("PyYAML")
    assert outcome.libraries["jsonschema"] == version("jsonschema")
    assert "Django" not in outcome.libraries


def test_a_script_that_lies_about_its_libraries_names_none_that_is_not_installed(run: Run) -> None:
    lie = """
        import atexit, json, os, sys
        sys.modules |= dict.fromkeys(["luigi", "nowhere"], sys)
        os.mkdir(os.path.join(os.environ["HOME"], ".portal-modules.json"))
        """
    outcome = run(lie + METRICS)
    assert (outcome.end, outcome.libraries) == (End.SUCCEEDED, {})


def test_a_command_runs_in_place_of_python_and_no_shell_reads_it(run: Run) -> None:
    outcome = run(
        """
        echo "$1 | $2 | $PORTAL_SEGMENT | $LET_THROUGH | ${SECRET_KEY:-nothing}"
        cat "$3"
        echo '{"mae": 2.5}' > metrics.json
        """,
        command=("/bin/sh", "{script}", "a b; $HOME *", "x{params_file}", "{params_file}"),
        params={"alpha": 0.5},
        env={"LET_THROUGH": "yes"},
    )
    assert outcome.end is End.SUCCEEDED, outcome.log
    assert outcome.log == 'a b; $HOME * | x{params_file} | atlanta | yes | nothing\n{"alpha": 0.5}'
    assert json.loads(outcome.files["metrics.json"].read_text()) == {"mae": 2.5}


def test_a_command_that_hangs_or_is_none_ends_with_a_sentence(run: Run) -> None:
    limits = Limits(seconds=0.5, memory_mb=400, log_bytes=10_000, output_bytes=10_000)
    assert run("sleep 60 & wait", command=("/bin/sh", "{script}"), limits=limits).cause == "timeout"
    missing = run("", command=("/nowhere/program",))
    assert (missing.end, missing.cause) == (End.FAILED, "exit")
    assert "/nowhere/program can not be run: No such file" in missing.reason
