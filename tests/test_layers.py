"""The house guards itself: imports point down, and few files know MPI."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "supervisor"
FILES = sorted(PACKAGE.rglob("*.py"))

LAYERS = [
    "core",
    "balancer converters optimizers executors experiment trainers sites",
    "dataflow",
    "campaign monitor",
    "runtime",
    "cli",
    "__main__ __init__",
]
LEVEL = {part: level for level, row in enumerate(LAYERS) for part in row.split()}

LATE = {"mpi4py", "pyarrow", "rich", "matplotlib", "torch", "horovod"}
"""Imported inside the function that needs them: not at the top of a file."""

GANGS = {f"balancer/{name}.py" for name in ("communicator", "exchange", "membership")}
"""Classes of MPI's communicator; loaded when the first gang forms."""

BY_NAME = {"numpy", "scipy", "sklearn", "deap", "cmaes", "optuna"}
"""Imported by files that are themselves loaded by name: nothing that starts imports them."""

STARTS = ["supervisor.__main__", "supervisor.cli", "supervisor.executors.child"]
STARTS += ["supervisor.optimizers.serving.child", "supervisor.runtime.pipeline"]


def part_of(path):
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported(node):
    """Return the full names of the modules that an import statement names."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute here"
        return [node.module]
    return []


def imported_parts(path):
    for node in ast.walk(ast.parse(path.read_text())):
        for name in imported(node):
            if name == "supervisor":
                yield "__init__"
            elif name.startswith("supervisor."):
                yield name.split(".")[1]


def ids(path):
    return str(path.relative_to(PACKAGE))


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_imports_point_down(path):
    here = part_of(path)
    for name in imported_parts(path):
        if name == "__init__":
            continue  # the version; the package root imports nothing
        assert name == here or LEVEL[name] < LEVEL[here], f"{here} may not import {name}"


def test_the_package_root_imports_nothing():
    assert not list(imported_parts(PACKAGE / "__init__.py"))


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_optional_libraries_are_imported_late(path):
    late = LATE - {"mpi4py"} if ids(path) in GANGS else LATE
    for node in ast.parse(path.read_text()).body:
        for name in imported(node):
            assert name.split(".")[0] not in late, f"{path}: {name} at the top of the file"


def test_only_the_wire_and_gangs_know_mpi():
    knowing = {
        ids(path)
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text()))
        for name in imported(node)
        if name.split(".")[0] == "mpi4py"
    }
    others = {f"balancer/{name}.py" for name in ("wire", "agreement", "objects")}
    assert knowing == {*others, "trainers/horovod.py", *GANGS}


def test_gangs_are_loaded_late():
    code = f"import sys, {', '.join(STARTS)}, supervisor.balancer.wire; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert loaded.returncode == 0, loaded.stderr
    assert not {"mpi4py", "supervisor.balancer.membership"} & set(loaded.stdout.split())


def test_no_start_imports_what_optimizers_compute_with():
    code = f"import sys, {', '.join(STARTS)}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert loaded.returncode == 0, loaded.stderr
    assert not BY_NAME & set(loaded.stdout.split())


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_files_stay_small(path):
    assert len(path.read_text().splitlines()) <= 330, f"{path} has perhaps two ideas in it"
