"""Tasks of mixed integer and real parameters, without noise: COCO's suite bbob-mixint.

Four fifths of the parameters are integers, with 2, 4, 8, 16 and so on values. Optima are not
comparable between functions, so contenders are compared by their ranks. Evaluations take random
times, the same for all contenders.

Source:
    Tusar, Brockhoff & Hansen, Mixed-Integer Benchmark Problems for Single- and Bi-Objective
    Optimization, GECCO 2019.
"""

from __future__ import annotations

import random

import cocoex
from tasks import Outcome, Task, parse_space

from supervisor.core.objective import Values

FUNCTIONS = (1, 3, 8, 10, 15, 17, 21, 24)
"""Of each group one or two: separable, moderate, ill-conditioned, multi-modal, weakly ordered."""
DIMENSIONS = (5, 10)
CHOSEN = {
    f"f{number:03d}_d{dims:02d}": (number, dims) for number in FUNCTIONS for dims in DIMENSIONS
}
MEDIAN_S = 60.0
SPREAD = 0.5  # standard deviation of the logarithm of times


def names(family: str) -> list[str]:
    """Return the names of the chosen functions."""
    return list(CHOSEN)


def make(family: str, name: str) -> Task:
    """Return the task of one function, or raise a KeyError."""
    number, dims = CHOSEN[name]
    choice = f"function_indices:{number} dimensions:{dims} instance_indices:1"
    return Function(f"{family}/{name}", cocoex.Suite(family, "", choice).get_problem(0))


class Function(Task):
    """The task of minimising one function; the score of a point is its value.

    Args:
        name: Of the task.
        problem: Has the bounds, and gives the values.
    """

    def __init__(self, name: str, problem: cocoex.Problem) -> None:
        integers = problem.number_of_integer_variables
        definitions: dict[str, object] = {
            f"x{index}": {"int": [int(lower), int(upper)]}
            if index < integers
            else {"float": [float(lower), float(upper)]}
            for index, (lower, upper) in enumerate(
                zip(problem.lower_bounds, problem.upper_bounds, strict=True)
            )
        }
        super().__init__(name, parse_space(definitions))
        self._problem = problem

    def evaluate(self, values: Values, seed: int) -> Outcome:
        time_s = random.Random(seed).lognormvariate(0, SPREAD) * MEDIAN_S
        return Outcome(self.score(values), time_s)

    def score(self, values: Values) -> float:
        return float(self._problem([float(values[name]) for name in self.space.names]))
