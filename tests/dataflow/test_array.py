"""Arrays and maps that fill in any order, in one process."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import supervisor
from supervisor import AppFailed, Array, app


@pytest.fixture
def flow():
    with supervisor.flow() as own:
        yield own


@app
def increase(x):
    return x + 1


@app
def add(*terms):
    return sum(terms)


@app
def fill(array, numbers):
    for number in numbers:
        array[number] = increase(number)


@app
def fill_by_halves(array, first, last):
    if last - first == 1:
        array[first] = first * first
    else:
        middle = (first + last) // 2
        fill_by_halves(array, first, middle)
        fill_by_halves(array, middle, last)


@app
def squares(number):
    array = Array("squares")
    fill_by_halves(array, 0, number)
    return array.all()


def test_a_sparse_array_has_exactly_its_members(flow):
    array = Array()
    for key, value in {0: 1, 1: 2, 5: 3, 6: 4}.items():
        array[key] = value
    array.close()
    assert array.all().result() == {0: 1, 1: 2, 5: 3, 6: 4}


def test_a_member_can_be_read_before_it_is_written(flow):
    array = Array()
    total = add(array["a"], array["b"], 100)
    array["b"] = increase(1)
    array["a"] = 10
    assert total.result() == 112
    assert array["b"].result() == 2


def test_maps_are_nested_and_have_any_keys(flow):
    array = Array("B")
    array["hello world"] = 1
    array["one"][1][1.0] = increase(0)
    array["one"].nested()["("] = "bracket"
    array.close()
    assert array.all().result() == {"hello world": 1, "one": {1: {1.0: 1}, "(": "bracket"}}


def test_values_may_hold_futures_at_any_depth(flow):
    array = Array()
    array[0] = [increase(0), {"k": increase(array[1])}]
    array[1] = 5
    assert array[0].result() == [1, {"k": 6}]


def test_members_are_written_by_apps_that_call_apps(flow):
    array = Array()
    everything = array.all()
    fill(array, [3, 1])
    fill(array, [2])
    fill_by_halves(array, 10, 30)
    array.close()
    expected = {1: 2, 2: 3, 3: 4} | {i: i * i for i in range(10, 30)}
    assert everything.result() == expected


def test_an_app_can_make_an_array_of_its_own(flow):
    assert squares(50).result() == {i: i * i for i in range(50)}


@pytest.mark.parametrize(("size", "corner"), [(4, 66), (5, 360), (7, 10836)])
def test_a_wavefront_reaches_its_corner(flow, size, corner):
    cells = Array("A")
    for i in reversed(range(size)):
        for j in reversed(range(size)):
            if i and j:
                cells[i][j] = add(cells[i][j - 1], cells[i - 1][j], cells[i - 1][j - 1])
            else:
                cells[i][j] = i + j
    assert cells[size - 1][size - 1].result() == corner


def test_what_nobody_writes_fails_when_the_array_is_closed(flow):
    array = Array("x")
    waiting = increase(array["k"])
    array.close()
    error = waiting.exception()
    assert isinstance(error, AppFailed)
    assert str(error).startswith("x['k'] was never written: ")
    assert "needed by increase (test_array.py:" in str(error)


def test_waiting_for_what_nobody_can_write_is_an_error_not_a_hang(flow):
    array = Array("x")
    with pytest.raises(AppFailed, match=r"will never be there: increase \(test_array"):
        increase(array[0]).result()


def test_a_second_write_is_an_error_that_names_the_member():
    with supervisor.flow() as flow:
        array = Array("x")
        array["k"] = 1
        array["k"] = increase(1)
    assert len(flow.unheard) == 1
    assert "x['k']" in flow.unheard[0] and "was written already" in flow.unheard[0]


def test_the_failure_of_a_member_reaches_who_reads_it(flow):
    array = Array("x")
    array[0] = increase("text")
    assert "TypeError" in str(increase(array[0]).exception())


def test_an_array_cannot_be_a_part_of_data(flow):
    with pytest.raises(TypeError, match="give it to an app"):
        supervisor.share([Array()])


INDEX = st.integers(-3, 3) | st.text(max_size=3) | st.just("(0,)") | st.floats(0, 1)


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(st.lists(INDEX, min_size=1, max_size=3).map(tuple), st.integers()))
def test_any_tree_of_indices_comes_back(members):
    members = {
        path: value
        for path, value in members.items()
        if not any(path[:n] in members for n in range(1, len(path)))
    }
    with supervisor.flow():
        array = Array()
        expected = {}
        for path, value in members.items():
            place, inner = array, expected
            for index in path[:-1]:
                place, inner = place[index], inner.setdefault(index, {})
            place[path[-1]] = inner[path[-1]] = value
        array.close()
        assert array.all().result() == expected
