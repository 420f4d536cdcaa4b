"""Counters that many calls change, in one process."""

import pytest

import supervisor
from supervisor import Counter, app


@pytest.fixture(autouse=True)
def flow():
    with supervisor.flow() as own:
        yield own


@app
def increase(counter, number=1):
    counter.increase(number)


@app
def increase_in_two(counter, number):
    if number == 1:
        counter.increase()
    else:
        increase_in_two(counter, number // 2)
        increase_in_two(counter, number - number // 2)


@app
def own():
    counter = Counter(name="own")
    increase_in_two(counter, 5)
    return counter.value()


def test_a_hundred_increments_make_a_hundred():
    counter = Counter()
    total = counter.value()
    for _ in range(40):
        increase(counter)
    increase_in_two(counter, 60)
    counter.close()
    assert total.result() == 100


def test_counters_fold_what_they_are_given():
    smallest, sum_, product, largest = Counter(100), Counter(1), Counter(200), Counter()
    smallest.minimum(125)
    for number in (1, 200, -10):
        sum_.increase(number)
    product.scale(0.5)
    for number in (3, 7, 5):
        largest.maximum(number)
    for one in (smallest, sum_, product, largest):
        one.close()
    values = [one.value().result() for one in (smallest, sum_, product, largest)]
    assert values == [100, 192, 100, 7]


def test_an_app_can_have_a_counter_of_its_own():
    assert own().result() == 5


def test_what_is_no_number_is_an_error_that_names_the_counter(flow):
    counter = Counter(name="sum")
    counter.increase(float("nan"))
    with supervisor.flow() as other:
        Counter(name="sum").increase(float("nan"))
    assert other.unheard == ["sum: a counter cannot hold what is not a number"]


def test_a_counter_cannot_be_a_part_of_data():
    with pytest.raises(TypeError, match="give it to an app"):
        supervisor.share([Counter()])
