"""Tasks that several ranks run together, under real launchers, with both MPIs."""

import json
import signal
import subprocess
import time

import pytest

from tests.launching import REPOSITORY, run

SCRIPTS = REPOSITORY / "tests" / "mpi"


def play(mpi, ranks, folder, script, *options):
    command = [*mpi.mpiexec(ranks), *mpi.supervisor, "run", str(SCRIPTS / script), *options]
    done = run(command, folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(("ranks", "servers"), [(4, 1), (8, 1), (8, 2)])
def test_random_sizes_and_failures(mpi, ranks, servers, tmp_path):
    out = play(mpi, ranks, tmp_path, "gangs.py", "--servers", str(servers), "--tasks", "300")
    assert "300 tasks, " in out


def test_gangs_run_side_by_side_and_over_several_servers(mpi, tmp_path):
    play(mpi, 9, tmp_path, "wide.py", "--servers", "2", "--what", "side-by-side")


def test_a_wide_one_begins_soon_under_load(mpi, tmp_path):
    out = play(mpi, 10, tmp_path, "wide.py", "--servers", "1", "--what", "under-load")
    assert "began after" in out


MODEL = """
import time

def run(params, task):
    total = task.comm.allreduce(task.comm.rank + 1)
    if params["bad"] and task.comm.rank == task.comm.size - 1:
        raise ArithmeticError("no luck")
    task.comm.Barrier()
    if task.comm.rank == 0:
        task.report(0, {"total": total})
        (task.dir / "seen.txt").write_text(str(total))
    return {"y": total, "ranks": task.comm.size}
"""

WORKFLOW = """
name: group
objective: {python: "model:run", minimize: y}
space:
  bad: {bool: [false, true]}
  ranks: {ordered: [1, 2, 3, 4]}
optimizer: {kind: grid}
task: {run: group, size: ranks}
"""


def test_points_of_a_search_have_sizes_of_their_own(mpi, tmp_path):
    (tmp_path / "model.py").write_text(MODEL)
    (tmp_path / "workflow.yaml").write_text(WORKFLOW)
    done = run([*mpi.mpiexec(6), *mpi.supervisor, "run", "workflow.yaml"], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    experiment = tmp_path / "experiments" / "group" / "EXP000"
    events = [json.loads(line) for line in (experiment / "journal.jsonl").read_text().splitlines()]
    finished = [event for event in events if event["event"] == "finished"]
    assert sorted(event["metrics"]["ranks"] for event in finished) == [1, 2, 3, 4]
    for event in finished:
        ranks = event["metrics"]["ranks"]
        assert event["metrics"]["y"] == ranks * (ranks + 1) // 2
        assert event.get("ranks", 1) == ranks
    failed = [event for event in events if event["event"] == "failed"]
    assert len(failed) == 4
    assert all("ArithmeticError: no luck" in event["message"] for event in failed)
    assert sum("rank 3 of 4" in event["message"] for event in failed) == 1


def test_whole_hosts_and_settings_that_do_not_fit(mpich, tmp_path):
    (tmp_path / "model.py").write_text(MODEL)
    text = WORKFLOW.replace("size: ranks", "size: {node: 1}").replace("[false, true]", "[false]")
    (tmp_path / "workflow.yaml").write_text(text)
    command = [*mpich.mpiexec(5), *mpich.supervisor, "run", "workflow.yaml"]
    done = run(command, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    journal = (tmp_path / "experiments" / "group" / "EXP000" / "journal.jsonl").read_text()
    assert journal.count('"ranks":3') >= 4
    done = run([*command, "--set", "task.size={node: 2}"], tmp_path)
    assert done.returncode == 2
    assert (
        "task.size: wants 2 hosts at once, but this run has workers on 1"
        in done.stdout + done.stderr
    )
    done = run([*command, "--set", "task.run=process"], tmp_path)
    assert done.returncode == 2
    assert "needs 'run: group' beside it" in done.stderr


SHELL = """
name: meeting
objective: {shell: "python3 meet.py", minimize: y}
space: {x: {ordered: [1, 2]}}
optimizer: {kind: grid}
task: {size: 3, timeout_s: 60}
"""

MEET = """
import json, os, socket
rank, size = int(os.environ["SUPERVISOR_RANK"]), int(os.environ["SUPERVISOR_SIZE"])
host, port = os.environ["SUPERVISOR_RENDEZVOUS"].rsplit(":", 1)
if rank == 0:
    with socket.create_server((host, int(port))) as server:
        heard = sorted(server.accept()[0].recv(9).decode() for _ in range(size - 1))
    print(json.dumps({"y": size, "heard": heard}))
else:
    import time
    while True:
        try:
            with socket.create_connection((host, int(port))) as one:
                one.send(str(rank).encode())
            break
        except ConnectionRefusedError:
            time.sleep(0.05)
"""


def test_commands_of_a_gang_meet_at_its_rendezvous(mpi, tmp_path):
    (tmp_path / "meet.py").write_text(MEET)
    (tmp_path / "workflow.yaml").write_text(SHELL)
    done = run([*mpi.mpiexec(5), *mpi.supervisor, "run", "workflow.yaml"], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    journal = (tmp_path / "experiments" / "meeting" / "EXP000" / "journal.jsonl").read_text()
    finished = [json.loads(line) for line in journal.splitlines() if '"finished"' in line]
    assert [one["metrics"]["heard"] for one in finished] == [["1", "2"]] * 2


def test_a_command_that_fails_ends_the_others(mpich, tmp_path):
    (tmp_path / "meet.py").write_text(
        "import os, sys, time\n"
        "if os.environ['SUPERVISOR_RANK'] == '1':\n    sys.exit(7)\n"
        "time.sleep(600)\n"
    )
    (tmp_path / "workflow.yaml").write_text(SHELL.replace("timeout_s: 60", "timeout_s: 500"))
    done = run([*mpich.mpiexec(5), *mpich.supervisor, "run", "workflow.yaml"], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 finished, 2 failed" in done.stdout
    journal = (tmp_path / "experiments" / "meeting" / "EXP000" / "journal.jsonl").read_text()
    assert journal.count("exited with code 7") >= 2


ENDLESS = """
import time

def run(params, task):
    for second in range(600):
        time.sleep(1)
        if task.comm is not None:
            task.comm.Barrier()
    return 1.0
"""


@pytest.fixture
def endless(tmp_path):
    (tmp_path / "model.py").write_text(ENDLESS)
    (tmp_path / "workflow.yaml").write_text(WORKFLOW)
    return tmp_path / "experiments" / "group" / "EXP000" / "journal.jsonl"


def check_resumable(journal):
    lines = journal.read_text().splitlines()
    assert '"event":"interrupted"' in lines[-1]
    assert not any('"event":"failed"' in line for line in lines)


def test_the_walltime_ends_gangs_and_the_points_stay_open(mpi, endless, tmp_path):
    command = [*mpi.mpiexec(6), *mpi.supervisor, "run", "--walltime", "00:00:13", "workflow.yaml"]
    done = run(command, tmp_path)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "the walltime is over" in done.stdout
    check_resumable(endless)


def test_an_interruption_ends_gangs_after_a_while(mpi, endless, tmp_path):
    command = [*mpi.supervisor, "run", "-n", "6", "workflow.yaml"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    deadline_s = time.time() + 120
    while not (endless.exists() and '"event":"asked"' in endless.read_text()):
        assert time.time() < deadline_s
        time.sleep(0.1)
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 3, out
    check_resumable(endless)
