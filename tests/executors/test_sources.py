"""A model's own files, which the main rank reads and all others are sent."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import textwrap
from pathlib import Path

import msgspec
import pytest

from supervisor.core.executor import Seat
from supervisor.core.objective import Objective
from supervisor.executors import build, sources
from supervisor.executors.sources import with_modules
from tests.contracts.executor import evaluate, metrics

EXTENSION = sysconfig.get_config_var("EXT_SUFFIX")
RUN = "def run(params): return 1.0\n"


@pytest.fixture
def folder(tmp_path):
    """Return a folder beside which nothing else lies."""
    path = tmp_path / "flow"
    path.mkdir()
    return path


def write(folder, files):
    """Write files, given by their paths; texts may be indented."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else textwrap.dedent(text).encode())


def read(folder, python="model:run", ranks=4, run="process"):
    """Return the objective that the main rank sends."""
    where = {"source_dir": str(folder), "experiment_dir": str(folder / "EXP")}
    return with_modules(Objective(run=run, python=python, metric="loss", **where), ranks)


def evaluated(objective, **values):
    """Return the result of one evaluation in a new child, which gets what travels."""
    data = msgspec.msgpack.encode(objective)
    executor = build(msgspec.msgpack.decode(data, type=Objective), Seat(3))
    try:
        return evaluate(executor, 0, values)
    finally:
        executor.close()


class TestWhatIsRead:
    def test_modules_and_packages_beside_the_objective(self, folder):
        files = ["model.py", "helper.py", "lab/__init__.py", "lab/net.py", "lab/deep/__init__.py"]
        write(folder, dict.fromkeys(files, RUN))
        others = ["data.csv", "space/loose.py", "space/pack/__init__.py", "experiments/x/y.py"]
        others += [".hidden/__init__.py", ".secret.py", "lab/table.csv", "a-b.py", "lab/sub/x.py"]
        others += ["venv/lib/site.py", "lab/__pycache__/net.cpython-311.pyc"]
        write(folder, dict.fromkeys(others, RUN))
        assert sorted(read(folder).modules) == sorted(files)

    @pytest.mark.parametrize("python", ["lab:run", "lab.net:run"])
    def test_the_objective_may_be_in_a_package(self, folder, python):
        write(folder, {"lab/__init__.py": RUN, "lab/net.py": RUN})
        assert sorted(read(folder, python).modules) == ["lab/__init__.py", "lab/net.py"]

    @pytest.mark.parametrize("python", ["installed.model:run", "json:loads", None])
    def test_nothing_if_the_objective_is_elsewhere(self, folder, python):
        write(folder, {"model.py": RUN})
        assert read(folder, python).modules == {}

    def test_nothing_if_it_is_too_much_for_one_rank(self, folder, monkeypatch):
        write(folder, {"model.py": RUN, "data.py": "x" * 100})
        monkeypatch.setattr(sources, "MOST_BYTES", len(RUN) + 100)
        assert len(read(folder).modules) == 2
        monkeypatch.setattr(sources, "MOST_BYTES", len(RUN) + 99)
        assert read(folder).modules == {}

    def test_nothing_if_it_is_too_much_for_all_ranks(self, folder, monkeypatch):
        write(folder, {"model.py": RUN})
        monkeypatch.setattr(sources, "MOST_BYTES_TOGETHER", 10 * len(RUN))
        assert read(folder, ranks=10).modules
        assert read(folder, ranks=11).modules == {}

    @pytest.mark.parametrize("name", ["part{}.py", "part{}/data.csv"])
    def test_nothing_if_there_are_too_many(self, folder, name, monkeypatch):
        monkeypatch.setattr(sources, "MOST_ENTRIES", 5)
        write(folder, {"model.py": RUN} | {name.format(one): "" for one in range(4)})
        assert "model.py" in read(folder).modules
        write(folder, {name.format(4): ""})
        assert read(folder).modules == {}

    def test_what_an_import_would_not_take_is_left_out(self, folder):
        files = {"model.py": RUN, f"fast{EXTENSION}": b"", "fast.py": "", "both.py": ""}
        write(folder, files | {"both/data.csv": "", "bits/__init__.py": "", "bits.py": ""})
        assert sorted(read(folder).modules) == ["bits/__init__.py", "model.py"]

    def test_what_cannot_be_read_is_left_out(self, folder):
        write(folder, {"model.py": RUN})
        (folder / "gone.py").symlink_to(folder / "nowhere.py")
        os.mkfifo(folder / "pipe.py")
        Path(os.fsdecode(bytes(folder) + b"/caf\xe9.py")).write_text("")
        objective = read(folder)
        assert list(objective.modules) == ["model.py"]
        assert msgspec.msgpack.encode(objective)


class TestImports:
    def test_all_see_the_files_as_they_were_when_the_run_began(self, folder):
        write(folder, {"model.py": "import lab.net\ndef run(params): return lab.net.LOSS\n"})
        write(folder, {"lab/__init__.py": "", "lab/net.py": "LOSS = 1.0\n"})
        objective = read(folder)
        write(folder, {"lab/net.py": "LOSS = 2.0\n", "model.py": "syntax error\n"})
        assert metrics(evaluated(objective)) == {"loss": 1.0}
        assert not list(folder.rglob("__pycache__"))

    def test_a_worker_of_its_own_sees_them_too(self, folder):
        write(folder, {"model.py": "import helper\ndef run(params): return helper.LOSS\n"})
        write(folder, {"helper.py": "LOSS = 1.0\n"})
        data = msgspec.msgpack.encode(read(folder, run="inline"))
        write(folder, {"helper.py": "LOSS = 2.0\n"})
        (folder / "data").write_bytes(data)
        code = """if True:
            import msgspec
            from supervisor.core.executor import Seat
            from supervisor.core.objective import Objective
            from supervisor.executors import build
            from tests.contracts.executor import evaluate, metrics
            objective = msgspec.msgpack.decode(open("data", "rb").read(), type=Objective)
            print(metrics(evaluate(build(objective, Seat(3)), 0, {})))
        """
        command = [sys.executable, "-P", "-c", code]
        paths = os.pathsep.join(sys.path)
        env = os.environ | {"PYTHONPATH": f"{Path(__file__).parents[2]}{os.pathsep}{paths}"}
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
        assert done.stdout == "{'loss': 1.0}\n", done.stderr

    def test_modules_know_where_their_files_are(self, folder):
        model = """
            import importlib.resources, inspect, pkgutil
            from pathlib import Path
            import lab.net

            def run(params):
                beside = Path(lab.__file__).with_name("data.txt").read_text()
                resource = importlib.resources.files("lab").joinpath("data.txt").read_text()
                return {
                    "loss": 0,
                    "file": lab.net.__file__,
                    "origin": lab.__spec__.origin,
                    "path": list(lab.__path__),
                    "data": [beside, resource, pkgutil.get_data("lab", "data.txt").decode()],
                    "source": inspect.getsource(lab.net),
                    "found": [one.name for one in pkgutil.iter_modules(lab.__path__)],
                }
        """
        files = {"lab/__init__.py": "", "lab/net.py": "NET = 1\n", "lab/data.txt": "data"}
        write(folder, {"model.py": model, **files})
        assert metrics(evaluated(read(folder))) == {
            "loss": 0,
            "file": str(folder / "lab/net.py"),
            "origin": str(folder / "lab/__init__.py"),
            "path": [str(folder / "lab")],
            "data": ["data"] * 3,
            "source": "NET = 1\n",
            "found": ["net"],
        }

    def test_the_source_is_there_without_the_file(self, folder):
        write(
            folder, {"helper.py": "# -*- coding: latin-1 -*-\nNAME = '\xe9'\n".encode("latin-1")}
        )
        model = """
            import helper

            def run(params):
                source = helper.__loader__.get_source("helper")
                return {"loss": 0, "name": helper.NAME, "source": source}
        """
        write(folder, {"model.py": model})
        objective = read(folder)
        (folder / "helper.py").unlink()
        found = metrics(evaluated(objective))
        assert found["name"] == "\xe9"
        assert found["source"].endswith("NAME = '\xe9'\n")

    def test_what_was_not_sent_is_found_in_the_folders(self, folder):
        model = """
            import loose.part, lab.late, lab.space.part

            def run(params):
                return loose.part.X + lab.late.X + lab.space.part.X
        """
        write(folder, {"model.py": model, "lab/__init__.py": ""})
        objective = read(folder)
        write(folder, {"loose/part.py": "X = 1", "lab/late.py": "X = 2"})
        write(folder, {"lab/space/part.py": "X = 4"})
        assert metrics(evaluated(objective)) == {"loss": 7.0}

    def test_a_module_in_c_inside_a_package_is_found(self, folder):
        import _testbuffer as known  # any that is a file of its own

        write(folder, {"lab/__init__.py": "", f"lab/{Path(known.__file__).name}": ""})
        name = Path(known.__file__).name
        (folder / "lab" / name).write_bytes(Path(known.__file__).read_bytes())
        write(folder, {"lab/_testbuffer.py": "raise RuntimeError('not this one')"})
        write(folder, {"model.py": "from lab import _testbuffer as c\ndef run(p): return 1.0\n"})
        assert metrics(evaluated(read(folder))) == {"loss": 1.0}

    def test_folders_that_come_earlier_in_a_path_win(self, folder):
        write(folder, {"first/helper.py": "X = 1", "helper.py": "X = 2", "lab/__init__.py": ""})
        write(folder, {"first/net.py": "X = 10", "lab/net.py": "X = 20"})
        model = """
            import os, sys
            import lab

            first = os.path.join(os.path.dirname(__file__), "first")
            sys.path.insert(0, first)
            lab.__path__.insert(0, first)
            import helper, lab.net

            def run(params):
                return helper.X + lab.net.X
        """
        write(folder, {"model.py": model})
        assert metrics(evaluated(read(folder))) == {"loss": 11.0}

    def test_modules_of_python_in_its_binary_win_and_its_files_do_not(self, folder):
        write(folder, {"time.py": "X = 1", "colorsys.py": "X = 2"})
        model = """
            import time, colorsys

            def run(params):
                return {"loss": colorsys.X, "hidden": hasattr(time, "X")}
        """
        write(folder, {"model.py": model})
        assert metrics(evaluated(read(folder))) == {"loss": 2.0, "hidden": False}

    def test_a_syntax_error_is_told_with_its_place(self, folder):
        write(folder, {"model.py": "import helper\n", "helper.py": "x = 1\ny = = 2\n"})
        failure = evaluated(read(folder)).failure
        assert failure.message == "SyntaxError: invalid syntax"
        assert f'File "{folder}/model.py", line 1' in failure.details
        assert f'File "{folder}/helper.py", line 2\n    y = = 2\n' in failure.details
        assert "supervisor/executors" not in failure.details

    def test_a_traceback_shows_the_lines(self, folder):
        write(folder, {"model.py": "import helper\ndef run(params): return helper.f(0)\n"})
        write(folder, {"helper.py": "def f(x):\n    return 1 / x\n"})
        failure = evaluated(read(folder)).failure
        assert failure.message == "ZeroDivisionError: division by zero"
        assert f'File "{folder}/helper.py", line 2, in f\n    return 1 / x' in failure.details
        assert failure.details.startswith(f'Traceback (most recent call last):\n  File "{folder}')

    def test_a_module_that_is_missing_is_told(self, folder):
        write(folder, {"model.py": "import lab.nothing\n", "lab/__init__.py": ""})
        failure = evaluated(read(folder)).failure
        assert failure.message == "ModuleNotFoundError: No module named 'lab.nothing'"

    @pytest.mark.parametrize("method", ["fork", "spawn"])
    def test_helper_processes_of_a_model_find_its_functions_by_name(self, folder, method):
        model = f"""
            import multiprocessing, pickle
            import lab.net

            def run(params):
                assert pickle.loads(pickle.dumps(lab.net.Net())).x == 3
                with multiprocessing.get_context("{method}").Pool(1) as pool:
                    return sum(pool.map(lab.net.double, [1, 2]))
        """
        net = """
            class Net:
                x = 3

            def double(x):
                import lab.late
                return lab.late.TWO * x
        """
        files = {"lab/__init__.py": "", "lab/net.py": net, "lab/late.py": "TWO = 2"}
        write(folder, {"model.py": model, **files})
        assert metrics(evaluated(read(folder))) == {"loss": 6.0}

    def test_a_module_can_be_loaded_again_and_is_the_same(self, folder):
        model = """
            import importlib
            import helper

            def run(params):
                importlib.invalidate_caches()
                return importlib.reload(helper).X
        """
        write(folder, {"model.py": model, "helper.py": "X = 1"})
        objective = read(folder)
        write(folder, {"helper.py": "X = 2"})
        assert metrics(evaluated(objective)) == {"loss": 1.0}
