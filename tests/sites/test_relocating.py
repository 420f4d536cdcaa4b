"""Scripts and programs that find their Python and their libraries wherever they are."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

import pytest

from supervisor.sites.relocating import moved_program, moved_script

PREFIX = "/home/me/my env"


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (f"#!{PREFIX}/bin/python3\n", '"${0%/*}/python3" "$0" "$@"'),
        (f"#!{PREFIX}/bin/python3.11 -sP\n", '"${0%/*}/python3.11" -sP "$0" "$@"'),
        (
            f"#!/bin/sh\n'''exec' '{PREFIX}/bin/python' \"$0\" \"$@\"\n' '''\n",
            '"${0%/*}/python" "$0" "$@"',
        ),
        (
            f"#!/bin/sh\n'''exec' \"{PREFIX}/bin/python\" -E \"$0\" \"$@\"\n' '''\n",
            '"${0%/*}/python" -E "$0" "$@"',
        ),
    ],
)
def test_scripts_start_the_python_beside_them(first, then):
    body = b"import sys\n"
    moved = moved_script(first.encode() + body, {PREFIX, "/other"})
    assert moved == f"#!/bin/sh\n'''exec' {then}\n' '''\n".encode() + body


@pytest.mark.parametrize("first", ["#!/usr/bin/python3\n", "#!/bin/sh\necho\n", "#!/bin/bash\n"])
def test_other_scripts_are_left_as_they_are(first):
    text = first.encode() + b"pass\n"
    assert moved_script(text, {PREFIX}) == text


def test_a_moved_script_gets_its_arguments_and_is_python_too(tmp_path):
    (tmp_path / "python3").symlink_to(sys.executable)
    script = tmp_path / "script"
    text = f"#!{PREFIX}/bin/python3 -B\nimport sys\nprint(sys.argv, sys.dont_write_bytecode)\n"
    script.write_bytes(moved_script(text.encode(), {PREFIX}))
    script.chmod(0o755)
    printed = subprocess.check_output([script, "a b", "c"], text=True)
    assert printed == f"{[str(script), 'a b', 'c']} True\n"


def test_programs_look_for_their_libraries_beside_them(tmp_path):
    compiler = shutil.which("cc")
    if compiler is None or shutil.which("readelf") is None:
        pytest.skip("there is no C compiler, or no readelf")
    old = "/a/place/that/is/not/there/lib"
    source = tmp_path / "main.c"
    source.write_text("int main(void) { return 7; }\n")
    path = f"-Wl,-rpath,{old}:/other"
    subprocess.run([compiler, source, "-o", tmp_path / "main", path], check=True)
    moved = tmp_path / "moved"
    moved.write_bytes(moved_program((tmp_path / "main").read_bytes(), {old}, "../lib"))
    moved.chmod(0o755)
    assert subprocess.run([moved]).returncode == 7
    told = subprocess.check_output(["readelf", "-d", moved], text=True)
    assert re.search(r"R(UN)?PATH.*\[\$ORIGIN/\.\./lib:/other\]", told)


def test_other_files_are_no_programs():
    for data in (b"", b"#!/bin/sh\n", b"\x7fELF\x01\x01 32 bits"):
        assert moved_program(data, {"/old"}, "new") == data
