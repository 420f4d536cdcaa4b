"""Steps that run isolated, as they do unless the file says otherwise."""

from tests.dataflow.pipelines import NOTE, rows, run, values, write


def test_a_step_may_crash_hang_or_exit_and_the_others_go_on(tmp_path, capsys):
    write(
        tmp_path,
        "steps:\n"
        "  crash: {python: 'iso:crash'}\n"
        "  hang: {python: 'iso:hang', task: {timeout_s: 1}}\n"
        "  sleep: {shell: 'sleep 60', task: {timeout_s: 1}}\n"
        "  exit: {shell: 'echo no >&2; exit 7'}\n"
        "  good: {python: 'iso:good', with: {x: '${first}'}}\n"
        "  first: {shell: 'echo 5'}\n",
        "import os, time\n"
        "def crash(): os.kill(os.getpid(), 9)\n"
        "def hang(): time.sleep(60)\n"
        "def good(x): return x + 1\n",
        name="iso",
    )
    assert run(tmp_path) == 1
    assert values(tmp_path) == {"first": 5, "good": 6}
    found = {name: row["message"] for name, row in rows(tmp_path).items()}
    assert "killed by signal 9" in found["crash"]
    assert "time limit of 1 s" in found["hang"]
    assert "time limit of 1 s" in found["sleep"]
    told = "'echo no >&2; exit 7' exited with code 7"
    assert found["exit"] == told
    assert f"workflow.yaml:6 exit: {told}" in capsys.readouterr().err


def test_a_failed_step_is_tried_again(tmp_path):
    write(
        tmp_path,
        "steps:\n  shy: {python: 'shy:shy', task: {retries: 2}}\n",
        NOTE + "import os\n"
        "def shy():\n    note('try')\n"
        "    if len(open('calls').read().split()) < 3: os._exit(3)\n    return 'there'\n",
        name="shy",
    )
    assert run(tmp_path) == 0
    assert values(tmp_path) == {"shy": "there"}
    assert (tmp_path / "calls").read_text().split() == ["try"] * 3
    assert rows(tmp_path)["shy"]["attempts"] == "3"


def test_attempts_are_counted_of_each_instance(tmp_path, capsys):
    steps = (
        "steps:\n"
        "  each:\n    foreach: {wanted: [1, 2, 9]}\n    python: tries:tries\n"
        "    with: {wanted: '${wanted}'}\n    task: {retries: 2, run: inline}\n"
        "  once: {python: 'tries:once'}\n"
        "  never: {python: 'tries:once', after: [each]}\n"
        "  odd: {python: 'tries:odd', when: '${once.nothing}'}\n"
    )
    module = NOTE + (
        "from pathlib import Path\n"
        "def tries(wanted):\n    note(wanted)\n"
        "    if Path('calls').read_text().split().count(str(wanted)) < wanted:\n"
        "        raise ValueError('not yet')\n"
        "def once(): return 1\n"
        "def odd(): return 1\n"
    )
    write(tmp_path, steps, module, name="tries")
    assert run(tmp_path, "--trace") == 1
    found = {name: row["attempts"] for name, row in rows(tmp_path).items()}
    counted = {"each[0]": "1", "each[1]": "2", "each[2]": "3", "once": "1"}
    assert found == counted | {"never": "0", "odd": "0"}
    told = capsys.readouterr().out
    assert told.count("is tried again: ValueError: not yet") == 3
    assert told.count("each[1] (wanted=2) is tried again") == 1


def test_a_step_whose_value_is_a_failed_call_is_tried_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(
        tmp_path,
        "steps:\n  one: {python: 'nested:outer', task: {retries: 1, run: inline}}\n",
        NOTE + "from pathlib import Path\nfrom supervisor import app\n"
        "@app\ndef inner():\n    note('try')\n"
        "    if Path('calls').read_text() == 'try\\n': raise ValueError('not yet')\n"
        "    return 'there'\n"
        "def outer(): return inner()\n",
        name="nested",
    )
    assert run(tmp_path) == 0
    assert values(tmp_path) == {"one": "there"}
    assert rows(tmp_path)["one"]["attempts"] == "2"
