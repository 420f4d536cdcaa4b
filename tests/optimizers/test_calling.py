"""Sequential programs as optimizers."""

import gc
import random
import threading
import time

import pytest
from deap import algorithms, base, tools

from supervisor.core.errors import InputError, OptimizerError
from supervisor.optimizers.programs.adapt import adapt
from supervisor.optimizers.programs.calling import as_factory
from supervisor.optimizers.protocol import Told
from supervisor.optimizers.settings import check_settings
from tests.contracts.optimizer import SPACE, OptimizerContract
from tests.optimizers.searching import ONED, ONED_MINIMUM, oned, parse, search


def descend(space, evaluate, *, seed: int = 0, steps: int = 6):
    """Evaluate points around the best one, in ever smaller steps."""
    rng = random.Random(seed)
    centre, width = [0.5] * len(space.dims), 0.5
    for _ in range(steps):
        units = [
            [min(max(u + rng.uniform(-width, width), 0), 1) for u in centre] for _ in range(8)
        ]
        points = [values for values in map(space.decode, units) if values]
        results = evaluate(points)
        assert [result.values for result in results] == points
        best = min(results, key=lambda one: float("inf") if one.loss is None else one.loss)
        centre, width = space.encode(best.values), width / 2


def started(program, space=ONED, **settings):
    return adapt(as_factory(program)(space, **settings))


class TestProgram(OptimizerContract):
    @pytest.fixture
    def make(self):
        return lambda seed: started(descend, SPACE, seed=seed)


def test_a_program_searches():
    assert search(started(descend, seed=1), oned).best < ONED_MINIMUM + 0.05


def test_only_functions_that_take_evaluate_are_programs():
    def plain(space, *, evaluate=3):
        yield {"x": 1.0}

    class Own:
        def __init__(self, space, evaluate):
            pass

    for factory in (plain, Own, 3, print):
        assert as_factory(factory) is factory
    assert as_factory(descend) is not descend


def where(*path):
    return "w.yaml:5 " + ".".join(map(str, path))


def test_the_settings_of_a_program_are_checked():
    factory = as_factory(descend)
    assert check_settings(factory, {"steps": 3, "seed": 1}, "m:f", where) == {
        "steps": 3,
        "seed": 1,
    }
    with pytest.raises(InputError, match=r"w\.yaml:5 steps: 'x': Expected `int`"):
        check_settings(factory, {"steps": "x"}, "m:f", where)
    with pytest.raises(InputError, match="unknown setting of optimizer 'm:f': 'evaluate'"):
        check_settings(factory, {"evaluate": 1}, "m:f", where)


# --- a program of DEAP ---------------------------------------------------------------------


class Minimum(base.Fitness):
    weights = (-1.0,)


class Numbers(list):
    def __init__(self, values):
        super().__init__(values)
        self.fitness = Minimum()


def evolve(space, evaluate, *, seed: int = 0, generations: int = 8, log=None):
    random.seed(seed)
    toolbox = base.Toolbox()
    toolbox.register("individual", lambda: Numbers([random.uniform(0, 20)]))
    toolbox.register("population", tools.initRepeat, list, toolbox.individual)
    toolbox.register("evaluate", lambda individual: {"x": min(max(individual[0], 0), 20)})
    toolbox.register("mate", tools.cxBlend, alpha=0.5)
    toolbox.register("mutate", tools.mutGaussian, mu=0, sigma=2, indpb=1.0)
    toolbox.register("select", tools.selTournament, tournsize=3)
    toolbox.register("map", evaluate)
    population, logbook = algorithms.eaMuPlusLambda(
        toolbox.population(20), toolbox, 20, 15, 0.3, 0.7, generations, verbose=False
    )
    if log is not None:
        log.append(([one.fitness.values[0] for one in population], logbook.select("nevals")))


def test_a_program_of_deap_runs_with_evaluate_as_its_map():
    log = []
    found = search(started(evolve, seed=4, log=log), oned)
    assert len(found.points) == 20 + 8 * 15
    assert found.best < ONED_MINIMUM + 0.01
    ((fitnesses, evaluated),) = log
    assert found.best <= min(fitnesses) < ONED_MINIMUM + 0.01
    assert {(loss,) for loss in fitnesses} <= set(found.losses)
    assert evaluated == [20, *[15] * 8]
    assert found.points == search(started(evolve, seed=4), oned).points


def test_a_map_gives_infinity_for_failures_and_tuples_of_several_losses():
    seen = []

    def program(space, evaluate):
        seen.append(evaluate(lambda x: {"x": x}, [1.0, 2.0, 3.0]))
        seen.append(evaluate(lambda x: {"x": x}, iter([4.0])))
        seen.append(evaluate(lambda x: {"x": x}, []))

    optimizer = started(program)
    assert optimizer.ask(9) == [{"x": 1.0}, {"x": 2.0}, {"x": 3.0}]
    optimizer.tell(
        [
            Told(id=0, values={"x": 1.0}, loss=1.0, losses=(1.0, 5.0)),
            Told(id=1, values={"x": 2.0}, loss=None),
            Told(id=2, values={"x": 3.0}, loss=float("nan")),
        ]
    )
    optimizer.tell([Told(id=3, values=optimizer.ask(1)[0], loss=None)])
    infinite = (float("inf"),) * 2
    assert seen == [[(1.0, 5.0), infinite, infinite], [infinite], []]


# --- errors and endings --------------------------------------------------------------------


def broken(space, evaluate):
    evaluate([{"x": 1.0}])
    raise ValueError("no such model")


def leaving(space, evaluate):
    evaluate([{"x": 1.0}])
    exit(3)


def confused(space, evaluate):
    evaluate([[1.0, 2.0]])


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (broken, r"optimizer broken: ValueError: no such model \(.*test_calling.py:\d+\)"),
        (leaving, r"optimizer leaving: SystemExit: 3 \(.*test_calling.py:\d+\)"),
        (confused, r"TypeError: evaluate takes mappings .* not \[1.0, 2.0\]; as DEAP's map"),
    ],
)
def test_what_a_program_raises_names_its_line(program, message):
    with pytest.raises(OptimizerError, match=message) as caught:
        search(started(program), oned)
    assert caught.value.__cause__ is not None


def test_our_own_errors_pass_as_they_are():
    def program(space, evaluate):
        raise InputError("file:3", "not a task")

    with pytest.raises(InputError, match=r"^file:3: not a task"):
        started(program)


def threads():
    return {one for one in threading.enumerate() if one.name.startswith("program")}


def wait_for_no_threads():
    for _ in range(500):
        gc.collect()
        if not threads():
            return
        time.sleep(0.01)
    raise AssertionError(threads())


@pytest.fixture
def program():
    """A program that wants to go on when it is dropped, and what it went through."""
    went = []

    def program(space, evaluate):
        try:
            evaluate([{"x": 1.0}])
        finally:
            went.append("dropped")
            evaluate([{"x": 2.0}])
            went.append("went on")

    program.__qualname__ = "program"
    program.went = went
    return program


def test_no_thread_is_left_when_a_search_is_dropped(program):
    optimizer = started(program)
    assert len(threads()) == 1
    assert all(one.daemon for one in threads())
    optimizer.ask(1)
    del optimizer
    wait_for_no_threads()
    assert program.went == ["dropped"]


def test_no_thread_is_left_when_a_search_ends(program):
    found = search(started(program), lambda values: 1.0)
    assert [values["x"] for values in found.points] == [1.0, 2.0]
    wait_for_no_threads()
    assert program.went == ["dropped", "went on"]


def test_a_program_runs_only_while_it_is_waited_for():
    running = threading.Event()

    def program(space, evaluate):
        for x in range(3):
            running.set()
            evaluate([{"x": float(x)}])

    optimizer = started(program)
    running.clear()
    (values,) = optimizer.ask(1)
    assert not running.wait(0.05)
    optimizer.tell([Told(id=0, values=values, loss=0.0)])
    assert running.is_set()


def test_threads_of_a_program_get_their_own_results():
    space = parse({"n": {"int": [0, 99]}})
    right = []

    def program(space, evaluate):
        def one(n):
            right.append(evaluate([{"n": n}])[0].loss == n)

        workers = [threading.Thread(target=one, args=(n,)) for n in range(8)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    search(started(program, space), lambda values: float(values["n"]))
    assert right == [True] * 8
