"""Random dataflow: tasks that wait for each other's data, on several servers, with cancels."""

import random
from collections import Counter

import pytest

from supervisor.balancer.layout import split
from supervisor.balancer.simulate import Simulation
from supervisor.core.operations import Create, Store
from supervisor.core.task import Task


class Dag:
    """A random graph of tasks; each stores one datum, and waits for those of earlier tasks."""

    def __init__(self, seed, *, sound=True):
        rng = self.rng = random.Random(seed)
        self.layout = split(rng.choice([1, 2, 3, 4, 8, 12]), rng.choice([1, 2, 3, 5]))
        scale = rng.choice([1e-5, 1e-3, 0.05])
        lengths = {i: rng.expovariate(1 / scale) for i in range(200)}
        self.simulation = Simulation(self.layout, seed=seed, length_s=lengths.__getitem__)
        client = self.client = self.simulation.client
        self.given = client.ids.take()  # written by the client, at some moment
        self.outputs = [client.ids.take() for _ in range(rng.randrange(1, 60))]
        self.tasks = {}
        for i, output in enumerate(self.outputs):
            earlier = [self.given, *self.outputs[:i]]
            inputs = rng.sample(earlier, min(len(earlier), rng.choice([0, 1, 1, 2, 5])))
            if not sound and rng.random() < 0.1:
                inputs.append(rng.choice(self.outputs[i:]))  # its own or a later one: a cycle
            self.tasks[i] = Task(
                i,
                b"",
                inputs=tuple((one, None) for one in dict.fromkeys(inputs)),
                output=output,
                priority=rng.randrange(3),
            )

    def run(self, cancelled=()):
        simulation, rng = self.simulation, self.rng
        order = list(self.tasks.values())
        rng.shuffle(order)
        for output in (self.given, *self.outputs):
            operation = Create(output, "value", name=f"x{output}")
            simulation.at(rng.random() * 0.05, lambda o=operation: self.client.ask(o))
        for task in order:
            simulation.at(rng.random() * 0.05, lambda t=task: self.client.put([t]))
        simulation.at(rng.random() * 0.1, lambda: self.client.ask(Store(self.given, b"given")))
        if cancelled:
            when = rng.random() * 0.1
            simulation.at(when, lambda: self.client.withdraw(cancelled, running=True))
        simulation.at(0.11, self.client.drain)
        return simulation.run()

    def producers(self, task):
        """Return the tasks that a task waits for."""
        return [self.outputs.index(one) for one, _ in task.inputs if one != self.given]


@pytest.mark.parametrize("seed", range(500))
def test_every_task_runs_once_after_its_inputs(seed):
    dag = Dag(seed)
    outcome = dag.run()
    assert Counter(task for task, _ in outcome.begun) == Counter(dag.tasks.keys())
    assert not dag.client.troubles
    results = {result.id: result for result in outcome.results}
    assert results.keys() == dag.tasks.keys()
    for task in dag.tasks.values():
        assert results[task.id].failure is None
        for producer in dag.producers(task):
            assert results[producer].end_s <= results[task.id].start_s


@pytest.mark.parametrize("seed", range(500, 700))
def test_what_waits_for_a_cancelled_task_fails_and_all_else_runs(seed):
    dag = Dag(seed)
    cancelled = dag.rng.sample(sorted(dag.tasks), dag.rng.randrange(1, 1 + len(dag.tasks)))
    outcome = dag.run(cancelled)
    results = {result.id: result for result in outcome.results}
    assert len(outcome.results) == len(results) == len(dag.tasks)
    assert not dag.client.troubles
    for task in dag.tasks.values():
        failure = results[task.id].failure
        lost = any(results[producer].failure for producer in dag.producers(task))
        if failure is not None and failure.kind == "unwritten":
            assert lost
            assert "datum" in failure.message
        elif failure is not None:
            assert failure.kind == "cancelled"
            assert task.id in cancelled
        else:
            assert not lost


@pytest.mark.parametrize("seed", range(700, 900))
def test_a_deadlock_is_reported_with_the_names_of_the_data_and_everybody_stops(seed):
    dag = Dag(seed, sound=False)
    outcome = dag.run()
    results = {result.id: result for result in outcome.results}
    assert results.keys() == dag.tasks.keys()
    stuck = {one for one, result in results.items() if result.failure is not None}
    assert {results[one].failure.kind for one in stuck} <= {"unwritten"}
    if stuck:
        report = "\n".join(dag.client.troubles)
        assert "for data that nobody will write" in report
        assert any(f"x{dag.outputs[one]} (datum" in report for one in stuck)
    else:
        assert not dag.client.troubles


def test_a_double_write_by_a_task_is_trouble_that_names_the_datum():
    simulation = Simulation(split(6, 2), seed=1)
    datum = simulation.client.ids.take()

    def put():
        simulation.client.ask(Create(datum, "value", name="x"))
        simulation.client.put([Task(i, b"", output=datum) for i in range(2)])

    simulation.at(0.0, put)
    simulation.at(0.1, simulation.client.drain)
    simulation.run()
    assert simulation.client.troubles == [f"x (datum {datum}) was written already"]
