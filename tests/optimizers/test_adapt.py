"""Generators and objects as optimizers."""

import pytest

from supervisor.core.errors import InputError, OptimizerError
from supervisor.optimizers.programs.adapt import Batches, Stream, adapt
from supervisor.optimizers.protocol import EarlyStopper, Told
from tests.contracts.optimizer import SPACE, OptimizerContract, StreamContract, told


def climb(space, *, seed, generations=5, size=4):
    """Yield batches near the best point of the last one."""
    centre = (seed % 10) / 10
    for _ in range(generations):
        coordinates = [(centre + index / 7) % 1 for index in range(size)]
        batch = [space.decode([u] * len(space.dims)) for u in coordinates]
        results = yield [values for values in batch if values]
        assert [result.values for result in results] == [values for values in batch if values]
        losses = {result.id: result.loss for result in results if result.loss is not None}
        centre += min(losses, default=0) / 100


class TestBatches(OptimizerContract):
    @pytest.fixture
    def make(self):
        return lambda seed: adapt(climb(SPACE, seed=seed))


class TestStreamOfAnIterator(StreamContract):
    @pytest.fixture
    def make(self):
        def points(seed):
            coordinates = ([((seed + index) % 9) / 9] * len(SPACE.dims) for index in range(50))
            return filter(None, map(SPACE.decode, coordinates))

        return lambda seed: adapt(points(seed))


class Walk:
    """An object with ask and tell, which needs its result before it goes on."""

    def __init__(self, seed):
        self.position, self.asked, self.waiting, self.seen = seed / 10, 0, {}, {}

    def ask(self, n):
        points = []
        while len(points) < n and len(self.waiting) < 2 and self.asked < 30:
            values = SPACE.decode([(self.position + 0.37 * self.asked) % 1] * len(SPACE.dims))
            self.waiting[self.asked] = values or SPACE.decode([0.9] * len(SPACE.dims))
            points.append(self.waiting[self.asked])
            self.asked += 1
        return points

    def tell(self, results):
        for result in results:
            del self.waiting[result.id]
            self.position += result.loss if result.loss and result.loss > 0 else 0

    def report(self, id, step, metrics):
        return step > 3


class TestAskAndTell(OptimizerContract):
    @pytest.fixture
    def make(self):
        return lambda seed: adapt(Walk(seed))


def test_an_object_with_ask_and_tell_is_used_as_it_is():
    walk = Walk(0)
    assert adapt(walk) is walk
    assert isinstance(walk, EarlyStopper)
    assert not isinstance(adapt([{"x": 1}]), EarlyStopper)


def results(points, first=0):
    return [told(first + index, values) for index, values in enumerate(points)]


def test_a_batch_waits_for_all_its_results_and_gets_them_in_order():
    received = []

    def search():
        received.append((yield [{"x": 0}, {"x": 1}, {"x": 2}]))
        received.append((yield ({"x": 3},)))

    optimizer = adapt(search())
    assert isinstance(optimizer, Batches)
    assert optimizer.ask(2) == [{"x": 0}, {"x": 1}]
    first, second = results([{"x": 0}, {"x": 1}])
    optimizer.tell([second])
    assert optimizer.ask(9) == [{"x": 2}]
    assert optimizer.ask(9) == []
    optimizer.tell([told(2, {"x": 2}), first])
    assert [[result.id for result in batch] for batch in received] == [[0, 1, 2]]
    assert optimizer.ask(9) == [{"x": 3}]
    with pytest.raises(KeyError):
        optimizer.tell([first])
    optimizer.tell([told(3, {"x": 3})])
    assert [result.id for result in received[1]] == [3]
    assert optimizer.ask(9) == []


def test_an_empty_batch_has_empty_results():
    received = []

    def search():
        received.append((yield []))
        received.append((yield []))
        yield [{"x": 1}]

    optimizer = adapt(search())
    assert optimizer.ask(1) == [{"x": 1}]
    assert received == [[], []]


def test_endless_empty_batches_are_an_error():
    def search():
        while True:
            yield []

    with pytest.raises(OptimizerError, match=r"search yielded 1000 empty batches"):
        adapt(search())


def test_a_search_without_points_is_over_at_once():
    for empty in ([], iter(()), (point for point in ())):
        optimizer = adapt(empty)
        assert isinstance(optimizer, Stream)
        assert optimizer.ask(3) == []


def test_a_list_of_batches_needs_no_results():
    optimizer = adapt([[{"x": 1}], [{"x": 2}]])
    optimizer.tell(results(optimizer.ask(5)))
    assert optimizer.ask(5) == [{"x": 2}]


def test_a_stream_is_not_read_ahead():
    read = []

    def search():
        for index in range(10):
            read.append(index)
            yield {"x": index}

    optimizer = adapt(search())
    optimizer.ask(3)
    assert read == [0, 1, 2]


@pytest.mark.parametrize("search", [3, None, "points", {"x": 1}, object()])
def test_what_is_no_optimizer_is_refused(search):
    with pytest.raises(OptimizerError, match="object with ask and tell, or a generator"):
        adapt(search)


@pytest.mark.parametrize(
    ("items", "shown"),
    [
        ([3], "yielded a int, 3"),
        ([None], "yielded a NoneType"),
        (["x"], "yielded a str"),
        ([{"x": 1}, [{"x": 2}]], r"yielded a list, \[\{'x': 2\}\]"),
        ([[{"x": 1}], {"x": 2}], r"yielded a dict, \{'x': 2\}"),
        ([[3]], r"yielded a list, \[3\]"),
        ([[{"x": "y" * 999}, 3]], r"yielded a list, .*y\.\.\.;"),
    ],
)
def test_what_is_neither_point_nor_batch_is_shown(items, shown):
    def search():
        for item in items:
            _ = yield item  # "yield from" would send the results to the list

    with pytest.raises(OptimizerError, match=f"search {shown}"):
        optimizer = adapt(search())
        for _ in range(3):
            points = optimizer.ask(1)
            optimizer.tell([Told(id=0, values=values, loss=0.0) for values in points])


def invert(value):
    return 1 / value


def test_what_a_generator_raises_names_its_line_and_comes_after_its_points():
    def search():
        yield {"x": 1}
        yield {"x": 2}
        int("three")

    optimizer = adapt(search())
    assert optimizer.ask(5) == [{"x": 1}, {"x": 2}]
    for _ in range(2):  # it is not taken for the end of the search
        with pytest.raises(OptimizerError, match=r"search: ValueError: .*test_adapt.py:\d+\)"):
            optimizer.ask(5)


@pytest.mark.parametrize("fault", [lambda: invert(0), lambda: exit(0), lambda: next(iter(()))])
def test_what_a_batch_generator_raises_has_its_cause(fault):
    def search():
        yield [{"x": 1}]
        fault()

    optimizer = adapt(search())
    with pytest.raises(OptimizerError, match=r"search: \w+: .*test_adapt.py:\d+\)") as caught:
        optimizer.tell(results(optimizer.ask(1)))
    assert caught.value.__cause__ is not None


def test_our_own_errors_pass_as_they_are():
    def search():
        raise InputError("file:3", "not a task")
        yield

    with pytest.raises(InputError, match=r"^file:3: not a task"):
        adapt(search())
