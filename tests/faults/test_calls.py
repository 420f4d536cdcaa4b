"""Apps that misbehave: each is one failed call with its reason, and the others go on."""

import json

from tests.launching import run
from tests.watching import alive

SCRIPT = """
import ctypes, json, os, signal, subprocess, sys, time
from pathlib import Path
from supervisor import File, app, shell

SETTINGS = {"run": "process", "timeout_s": 3}

def note(name):
    Path(f"pid.{name}").write_text(str(os.getpid()))

@app(**SETTINGS)
def fine(): return "well"

@app(**SETTINGS)
def raises(): raise ValueError("no such luck")

@app(**SETTINGS)
def leaves(): os._exit(3)

@app(**SETTINGS)
def segfaults(): ctypes.string_at(0)

@app(**SETTINGS)
def hangs():
    note("hangs")
    time.sleep(600)

@app(**SETTINGS)
def deaf():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    note("deaf")
    ctypes.PyDLL(None).sleep(600)

@app(**SETTINGS)
def forks():
    if os.fork() == 0:
        os.setsid()
        note("forks")
        time.sleep(600)
    time.sleep(600)

@app(run="process")  # on a busy machine it takes a while to print so much
def floods():
    line = b"x" * 1023 + b"\\n"
    for _ in range(100 * 1024):
        os.write(1, line)

@app(**SETTINGS)
def scribbles():
    for fd in range(3, 200):
        try:
            os.write(fd, b"garbage")
        except OSError:
            continue

@app(**SETTINGS)
def unsendable(): return lambda: None

@app(outputs=["out"], **SETTINGS)
def halves(out):
    Path(out).write_text("half")
    os._exit(5)

@shell(timeout_s=3)
def commands(*, stdout="late"): return "echo $$ > pid.commands; sleep 600"

@shell
def dies(): return "echo last words >&2; kill -SEGV $$"

@app
def add(a, b): return a + b

FAULTS = [raises, leaves, segfaults, hangs, deaf, forks, floods, scribbles, unsendable, dies]

def main():
    futures = {f.name: f() for f in FAULTS}
    futures["halves"] = halves(File("half"))
    futures["commands"] = commands()
    futures["needs"] = add(1, futures["leaves"])
    for _ in range(3):
        assert [fine().result() for _ in range(3)] == ["well"] * 3
        assert [add(i, 1).result() for i in range(10)] == list(range(1, 11))
    failures = {name: str(future.exception()) for name, future in futures.items()}
    Path("told.json").write_text(json.dumps(failures))
"""

EXPECTED = {
    "raises": "ValueError: no such luck",
    "leaves": "exited with code 3",
    "segfaults": "killed by signal 11 (SIGSEGV)",
    "hangs": "reached its time limit of 3 s and was killed",
    "deaf": "reached its time limit of 3 s and was killed",
    "forks": "reached its time limit of 3 s and was killed",
    "floods": "wrote more than 64 MB of output and was killed",
    "scribbles": "broke its connection to the worker",
    "unsendable": "pickle",
    "halves": "exited with code 5",
    "commands": "reached its time limit of 3 s and was killed",
    "dies": "was killed by signal 11 (SIGSEGV)\nThe end of its standard error:\nlast words",
    "needs": "exited with code 3",
}


def test_calls_that_misbehave_fail_alone(mpi, tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    done = run([*mpi.mpiexec(4), *mpi.supervisor, "run", "script.py"], tmp_path)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    told = json.loads((tmp_path / "told.json").read_text())
    assert told.keys() == EXPECTED.keys()
    for fault, reason in EXPECTED.items():
        assert reason in told[fault], fault
    for process in ("hangs", "deaf", "forks", "commands"):
        assert not alive(tmp_path / f"pid.{process}"), process
    left = {one.name for one in tmp_path.iterdir() if not one.name.startswith(("pid.", "__"))}
    assert left == {"script.py", "told.json"}
