"""The rungs of successive halving."""

import math
import random

import pytest

from supervisor.optimizers.fidelity.rungs import Climb, Ladder, Rung, levels


@pytest.mark.parametrize(
    ("least", "most", "reduction", "expected"),
    [
        (1, 81, 3, [1, 3, 9, 27, 81]),
        (1, 100, 3, [100 / 81, 100 / 27, 100 / 9, 100 / 3, 100]),
        (4, 256, 4, [4, 16, 64, 256]),
        (5, 256, 4, [16, 64, 256]),
        (10, 20, 3, [20]),
    ],
)
def test_levels_are_the_most_divided_by_powers_of_the_reduction(least, most, reduction, expected):
    assert levels(least, most, reduction) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(10))
def test_a_rung_promotes_who_the_paper_promotes(seed):
    rng = random.Random(seed)
    rung, seen, promoted = Rung(3), [], set()
    for point in range(80):
        loss = rng.choice([rng.random(), rng.random(), round(rng.random(), 1), None, math.nan])
        rung.record(point, loss)
        seen.append((math.inf if loss is None or math.isnan(loss) else loss, point))
        for _ in range(rng.choice([0, 1, 1, 3])):
            top = [one for one in sorted(seen)[: len(seen) // 3] if one[0] < math.inf]
            promotable = [point for _, point in top if point not in promoted]
            expected = promotable[0] if promotable else None
            assert rung.promote() == expected
            promoted.add(expected)


@pytest.mark.parametrize("seed", range(10))
def test_a_rung_keeps_the_top_fraction_of_those_so_far(seed):
    rng = random.Random(seed)
    rung, seen = Rung(4), []
    for point in range(60):
        loss = rng.choice([round(rng.random(), 1), rng.random(), math.nan])
        rung.record(point, loss)
        seen.append(loss)
        better = sum(other < loss for other in seen)
        allowed = max(1, len(seen) // 4)
        assert rung.keeps(loss) == (not math.isnan(loss) and better < allowed)


def test_a_standing_is_a_share_of_the_top_fraction():
    ladder = Ladder([1, 3, 9], 3)
    climbs = [Climb({}, ladder) for _ in range(6)]
    for point, climb in enumerate(climbs):
        climb.record(point, 0, float(point))
    assert [climb.standing for climb in climbs] == [(1 + rank) / 6 for rank in range(6)]
    assert ladder.promote() == (0, 1)
    climbs[0].record(6, 1, 9.0)
    assert ladder.promote() == (1, 1)
    climbs[1].record(7, 1, 5.0)
    assert [climb.standing for climb in climbs[:3]] == pytest.approx([2 / 6, 1 / 6, 3 / 6])
    climbs[5].record(8, 0, math.nan)
    assert climbs[5].standing is None
