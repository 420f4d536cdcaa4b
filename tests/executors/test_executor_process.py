"""Evaluation in an isolated child that behaves."""

from __future__ import annotations

import time

import msgspec
import psutil
import pytest

from supervisor.core.errors import ProtocolError
from supervisor.core.executor import Seat
from supervisor.core.objective import Objective, decode_metrics
from supervisor.executors import build
from tests.contracts.executor import IsolatedExecutorContract, evaluate, finish, metrics, task

MODEL = """
import math, multiprocessing, os, sys, time

count = 0

def run(params, task):
    global count
    count += 1
    match params["do"]:
        case "square":
            return {"loss": params["x"] ** 2}
        case "raise":
            print("about to fail")
            raise ValueError("no luck")
        case "exit":
            sys.exit(params.get("code", 3))
        case "nan":
            return math.nan
        case "sleep":
            time.sleep(60)
        case "count":
            return count
        case "where":
            return {"loss": 0, "cwd": os.getcwd(), "variable": os.environ.get("MINE"),
                    "argv": sys.argv, "pid": os.getpid(), "launcher": os.environ.get("PMI_RANK")}
        case "change":
            os.chdir("/")
            os.environ["MINE"] = "1"
            sys.argv.append("more")
            sys.stdout.close()
            os.close(1)
            return 0.0
        case "print":
            for text in params["texts"]:
                print(text, end="")
            return 0.0
        case "dir":
            path = task.checkpoint_dir / "weights"
            found = path.read_text() if path.exists() else ""
            path.write_text(f"{found}{task.attempt}")
            return {"loss": 0, "found": found, "left": task.time_left_s, "seed": task.seed}
        case "epochs":
            for step in range(1000):
                if task.report(step, {"loss": math.nan}):
                    break
                time.sleep(0.01)
            return {"loss": 1, "steps": step}
        case "pool":
            pool = multiprocessing.get_context("fork").Pool(1)
            globals()["pool"] = pool
            return {"loss": sum(pool.map(abs, [-1, -2])), "helper": pool._pool[0].pid}
        case "return":
            return eval(params["what"])  # written out, as no parameter can be a lambda
"""


@pytest.fixture
def objective(tmp_path):
    (tmp_path / "model.py").write_text(MODEL)
    return Objective(
        run="process",
        python="model:run",
        metric="loss",
        source_dir=str(tmp_path),
        experiment_dir=str(tmp_path / "EXP"),
    )


@pytest.fixture
def make(objective):
    return lambda: build(objective, Seat(3))


class TestProcess(IsolatedExecutorContract):
    def test_state_of_the_module_survives(self, executor):
        assert metrics(evaluate(executor, 0, {"do": "count"})) == {"loss": 1.0}
        assert metrics(evaluate(executor, 1, {"do": "count"})) == {"loss": 2.0}

    def test_a_failure_has_the_traceback_and_the_output(self, executor):
        failure = evaluate(executor, 0, {"do": "raise"}).failure
        assert (failure.kind, failure.message) == ("raised", "ValueError: no luck")
        assert failure.details.startswith("Traceback")
        assert "supervisor/executors" not in failure.details
        assert failure.details.endswith("The end of its output:\nabout to fail\n")

    def test_even_exit_code_zero_is_a_failure(self, executor):
        failure = evaluate(executor, 0, {"do": "exit", "code": 0}).failure
        assert (failure.kind, failure.message) == ("exited", "exited with code 0")

    def test_a_second_task_is_refused_while_one_runs(self, executor):
        executor.start(task(0, {"do": "sleep"}))
        with pytest.raises(ProtocolError, match="task 1 came while 0 runs"):
            executor.start(task(1, {"do": "nan"}))

    def test_a_task_finds_what_the_one_before_it_found(self, executor, tmp_path):
        before = metrics(evaluate(executor, 0, {"do": "where"}))
        evaluate(executor, 1, {"do": "change"})
        after = metrics(evaluate(executor, 2, {"do": "where"}))
        assert after == before
        assert before["cwd"] == str(tmp_path)
        assert before["argv"] == ["supervisor"]
        evaluate(executor, 3, {"do": "print", "texts": ["heard"]})
        assert (tmp_path / "EXP/runs/RUN000003/log.txt").read_text() == "heard"

    def test_launcher_variables_do_not_reach_it(self, executor, monkeypatch):
        monkeypatch.setenv("PMI_RANK", "1")
        assert metrics(evaluate(executor, 0, {"do": "where"}))["launcher"] is None

    def test_output_goes_to_the_log_even_without_a_newline(self, executor, tmp_path):
        evaluate(executor, 0, {"do": "print", "texts": ["one\n", "two"]})
        evaluate(executor, 1, {"do": "square", "x": 1})
        assert (tmp_path / "EXP/runs/RUN000000/log.txt").read_text() == "one\ntwo"
        assert not (tmp_path / "EXP/runs/RUN000001").exists()

    def test_a_retry_appends_to_the_log(self, executor, tmp_path):
        evaluate(executor, 0, {"do": "print", "texts": ["one\n"]})
        evaluate(executor, 0, {"do": "print", "texts": ["two\n"]}, attempt=2)
        log = (tmp_path / "EXP/runs/RUN000000/log.txt").read_text()
        assert log == "one\n=== attempt 2 ===\ntwo\n"

    def test_a_log_that_cannot_be_written_does_not_cost_the_result(self, executor, tmp_path):
        (tmp_path / "EXP").write_text("in the way")
        result = evaluate(executor, 0, {"do": "print", "texts": ["one\n"]})
        assert metrics(result) == {"loss": 0.0}
        assert "log.txt is incomplete" in result.note

    def test_checkpoints_are_there_for_the_next_attempt(self, executor):
        evaluate(executor, 0, {"do": "dir"}, timeout_s=100)
        result = evaluate(executor, 0, {"do": "dir"}, attempt=2, timeout_s=100)
        found = metrics(result)
        assert (found["found"], found["seed"]) == ("1", 1000)
        assert 90 < found["left"] < 100

    def test_a_trial_is_stopped_by_the_answer_to_a_report(self, executor):
        executor.start(task(4, {"do": "epochs"}))
        reports = []
        while len(reports) < 3:
            assert executor.poll() is None
            reports += executor.reports()
            time.sleep(0.005)
        executor.stop_early(4)
        result = finish(executor)
        steps = metrics(result)["steps"]
        assert 2 <= steps < 999
        assert result.note == f"stopped early at step {steps}"
        assert [report.step for report in reports] == list(range(len(reports)))
        assert str(decode_metrics(reports[0].metrics)) == "{'loss': nan}"

    def test_stopping_one_task_does_not_stop_the_next(self, executor):
        evaluate(executor, 0, {"do": "nan"})
        executor.stop_early(0)
        executor.start(task(1, {"do": "epochs"}))
        executor.stop_early(0)
        time.sleep(0.2)
        assert executor.poll() is None

    def test_helpers_of_the_model_live_until_close(self, executor):
        helper = metrics(evaluate(executor, 0, {"do": "pool"}))["helper"]
        evaluate(executor, 1, {"do": "square", "x": 1})
        assert psutil.pid_exists(helper)
        executor.close()
        assert not psutil.pid_exists(helper)

    def test_the_end_of_the_run_cancels(self, objective, tmp_path):
        late = msgspec.structs.replace(objective, deadline_s=time.time() + 0.5)
        executor = build(late, Seat(3))
        failure = evaluate(executor, 0, {"do": "sleep"}).failure
        executor.close()
        assert (failure.kind, failure.message) == ("cancelled", "the time of the run is over")

    def test_a_slow_reader_gets_everything(self, executor, tmp_path):
        evaluate(executor, 0, {"do": "print", "texts": ["x" * 1_000_000] * 3})
        assert (tmp_path / "EXP/runs/RUN000000/log.txt").stat().st_size == 3_000_000

    def test_a_large_result_arrives(self, executor):
        result = evaluate(executor, 0, {"do": "return", "what": "{'loss': 0, 's': 'x' * 5000000}"})
        assert len(metrics(result)["s"]) == 5_000_000

    @pytest.mark.parametrize("what", ["lambda: 0", "'text'", "True", "None", "{1: 2}", "{}", "[]"])
    def test_a_silly_result_is_invalid(self, executor, what):
        failure = evaluate(executor, 0, {"do": "return", "what": what}).failure
        assert failure.kind == "invalid"


@pytest.mark.parametrize(
    ("source", "kind", "text"),
    [
        ("import no_such_library", "raised", "ModuleNotFoundError: No module named 'no_such_lib"),
        ("def run(params:\n", "raised", "SyntaxError: "),
        ("def runs(params): ...", "invalid", "model has no 'run'. Did you mean 'runs'?"),
        ("def run(): ...", "invalid", "expected (params) or (params, task)"),
        ("raise SystemExit('give up')", "exited", "exited with code 1: give up"),
    ],
)
def test_a_module_that_cannot_be_used_is_a_failure(objective, tmp_path, source, kind, text):
    (tmp_path / "model.py").write_text(source)
    executor = build(objective, Seat(0))
    failure = evaluate(executor, 0, {}).failure
    executor.close()
    assert failure.kind == kind
    assert text in failure.message


def test_a_folder_that_is_gone_is_a_failure(objective, tmp_path):
    (tmp_path / "model.py").unlink()
    tmp_path.rename(f"{tmp_path}-moved")
    executor = build(objective, Seat(0))
    failure = evaluate(executor, 0, {}).failure
    executor.close()
    assert failure.kind == "exited"
    assert "could not be started" in failure.message
