"""Optimizers in other languages: the shell, R, and Python programs."""

import json
import math
import shutil
import subprocess
import sys

import pytest

from supervisor.core.errors import InputError, OptimizerError
from supervisor.core.space import Space
from supervisor.optimizers.programs.adapt import adapt
from supervisor.optimizers.programs.command import Command
from supervisor.optimizers.protocol import Told
from tests.contracts.optimizer import SPACE, OptimizerContract

FRAME = """
import json, sys
def read(): return json.loads(sys.stdin.readline())
def say(**message): print(json.dumps(message), flush=True)
start = read()["start"]
"""

SAMPLER = (
    FRAME
    + """
import random
rng = random.Random(start["seed"])
seen = 0.0
while True:
    points = []
    for _ in range(3):
        x = rng.uniform(0, 1) * (0.5 + seen / 2)
        points.append({"x": x, "units": rng.randint(1, 64), "activation": [1, 2], "epochs": 20})
    say(ask=points)
    told = read()["tell"]
    seen = min([one["loss"] for one in told if isinstance(one["loss"], float)], default=1.0)
"""
)

EAGER = (
    FRAME
    + """
say(ask=[{"x": 0.0}, {"x": 1.0}], wait="any")
for _ in range(3):
    told = read()["tell"]
    assert len(told) == 1
    say(ask=[{"x": told[0]["loss"]}], wait="any")
read()
say(done={"best": 1})
"""
)


@pytest.fixture
def program(tmp_path):
    """Write a Python program and return the optimizer that it is."""

    def program(text, space=SPACE, **settings):
        path = tmp_path / "search.py"
        path.write_text(text)
        return Command(
            space, command=f"{sys.executable} search.py", folder=str(tmp_path), **settings
        )

    return program


class TestCommand(OptimizerContract):
    @pytest.fixture
    def make(self, program):
        return lambda seed: adapt(program(SAMPLER, seed=seed))


def told(id, loss, **more):
    return Told(id=id, values={}, loss=loss, **more)


def test_a_program_learns_the_space_the_seed_and_its_options(program, tmp_path):
    text = FRAME + 'open("start.json", "w").write(json.dumps(start))\nsay(done={})'
    program(text, seed=5, evaluations=9, options={"depth": 3})
    assert json.loads((tmp_path / "start.json").read_text()) == {
        "space": SPACE.describe(),
        "seed": 5,
        "evaluations": 9,
        "options": {"depth": 3},
    }


def test_results_are_told_together_and_in_the_order_of_the_points(program, tmp_path):
    text = (
        FRAME
        + """
say(ask=[{"x": 0.0}, {"x": 0.5}, {"x": 1.0}])
told = read()["tell"]
open("told.json", "w").write(json.dumps(told))
say(done={})
"""
    )
    optimizer = program(text)
    assert len(optimizer.ask(9)) == 3
    optimizer.tell([told(2, math.nan, metrics={"a": math.inf})])
    optimizer.tell([told(0, None, error="no")])
    assert not (tmp_path / "told.json").exists()
    assert optimizer.ask(9) == []
    optimizer.tell([told(1, 0.5)])
    assert json.loads((tmp_path / "told.json").read_text()) == [
        {"id": 0, "values": {}, "loss": None, "metrics": {}, "error": "no"},
        {"id": 1, "values": {}, "loss": 0.5, "metrics": {}, "error": None},
        {"id": 2, "values": {}, "loss": "NaN", "metrics": {"a": "Infinity"}, "error": None},
    ]
    assert optimizer.ask(9) == [], "it is done"


def test_a_program_may_be_told_each_result_as_it_comes(program):
    optimizer = program(EAGER)
    assert optimizer.ask(9) == [{"x": 0.0}, {"x": 1.0}]
    optimizer.tell([told(1, 0.25)])
    assert optimizer.ask(9) == [{"x": 0.25}]
    optimizer.tell([told(2, 0.5)])
    optimizer.tell([told(0, 0.75)])
    assert optimizer.ask(9) == [{"x": 0.5}, {"x": 0.75}]
    optimizer.tell([told(3, 0.0)])
    assert optimizer.ask(9) == []
    optimizer.tell([told(4, 0.0)])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("print('hello')", "line 1 of its output is not JSON: .*: hello"),
        ("print('[1, 2]')", 'is neither {"ask"'),
        (FRAME + "say(ask=[1])", 'is neither {"ask"'),
        (FRAME + "say(ask=[])", "asks for no points; say that it is done"),
        (FRAME + "say(error='no licence')", "says: no licence"),
        ("raise SystemExit(3)", "ended with exit code 3 without"),
        ("import os; os.kill(os.getpid(), 9)", "was killed by signal 9 without"),
    ],
)
def test_a_program_that_breaks_the_protocol_is_blamed(program, text, message):
    with pytest.raises(OptimizerError, match=message):
        program(text)


def test_a_program_that_ends_too_early_is_an_error(program):
    optimizer = program(FRAME + 'say(ask=[{"x": 0.5}])')
    optimizer.ask(1)
    with pytest.raises(OptimizerError, match=r"search.py' ended with exit code 0 without"):
        optimizer.tell([told(0, 1.0)])


@pytest.mark.parametrize("command", ["no-such-program --fast", "'unfinished", ""])
def test_a_program_that_cannot_be_started_is_an_input_error(command):
    with pytest.raises(InputError, match="cannot be started"):
        Command(SPACE, command=command)


ONED = Space.parse({"x": {"float": [0, 20]}}, lambda *path: ".".join(map(str, path)))


def oned(x):
    return 0.02 * x + 0.5 * math.sin(x + 0.1) + 0.75 * math.cos(0.25 * x - 0.3)


def minimum(optimizer):
    best, asked = math.inf, 0
    while points := optimizer.ask(99):
        results = [
            Told(id=asked + index, values=point, loss=oned(point["x"]))
            for index, point in enumerate(points)
        ]
        asked += len(points)
        best = min(best, *(result.loss for result in results))
        optimizer.tell(results)
    return best, asked


SHELL = """
read -r start
asked=0
centre=10 step=4
while [ "$asked" -lt 60 ]; do
    points=
    for sign in -2 -1 0 1 2; do
        x=$(awk "BEGIN { x = $centre + $sign * $step; print (x < 0 ? 0 : x > 20 ? 20 : x) }")
        points="$points${points:+, }{\\"x\\": $x}"
    done
    echo "{\\"ask\\": [$points]}"
    read -r told
    # one result a line, then the x of the smallest loss
    centre=$(echo "$told" | sed 's/{"id"/\\n&/g' |
        sed -n 's/.*"x": *\\([^},]*\\).*"loss": *\\([^,]*\\),.*/\\2 \\1/p' |
        sort -g | awk 'NR==1{print $2}')
    step=$(awk "BEGIN { print $step * 0.7 }")
    asked=$((asked + 5))
done
echo '{"done": {}}'
"""


def test_a_shell_program_searches(tmp_path):
    (tmp_path / "search.sh").write_text(SHELL)
    best, asked = minimum(Command(ONED, command="sh search.sh", folder=str(tmp_path)))
    assert asked == 60
    assert best == pytest.approx(-0.857068, abs=0.01)


R = """
suppressPackageStartupMessages(library(jsonlite))
input <- file("stdin", "r")
read <- function() fromJSON(readLines(input, n = 1), simplifyVector = FALSE)
say <- function(message) cat(toJSON(message, auto_unbox = TRUE, digits = NA), "\\n", sep = "")
start <- read()$start
set.seed(start$seed)
x <- start$space$parameters$x
lower <- x$lower; upper <- x$upper
for (round in 1:6) {
  candidates <- runif(10, lower, upper)
  say(list(ask = lapply(candidates, function(value) list(x = value))))
  losses <- sapply(read()$tell, function(one) as.numeric(one$loss))
  best <- candidates[which.min(losses)]
  width <- (upper - lower) / 4
  lower <- max(x$lower, best - width); upper <- min(x$upper, best + width)
}
say(list(done = list(best = best)))
"""


def has_jsonlite():
    probe = ["Rscript", "-e", "library(jsonlite)"]
    return shutil.which("Rscript") and not subprocess.run(probe, capture_output=True).returncode


def test_an_r_program_searches(tmp_path):
    if not has_jsonlite():
        pytest.skip("R with jsonlite is not installed: apt-get install r-cran-jsonlite")
    (tmp_path / "search.R").write_text(R)
    found = [
        minimum(Command(ONED, command="Rscript search.R", folder=str(tmp_path), seed=2))
        for _ in range(2)
    ]
    assert found[0] == found[1]
    best, asked = found[0]
    assert asked == 60
    assert best == pytest.approx(-0.857068, abs=0.01)
