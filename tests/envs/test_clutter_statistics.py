"""Rates and their intervals against numbers worked out by hand and by SciPy's own interval."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from envs.clutter import Attempt, Execution, Round, rate, summarise
from geometry import InputError


def made_round(seed: int, index: int, presented: int, outcomes: str, ending: str, plan_ms: float = 10.0) -> Round:
    """A round from a string of attempts, "+" held and "-" missed."""
    attempts = tuple(
        Attempt(
            seed=seed,
            round=index,
            attempt=i,
            T_world_grasp=np.eye(4),
            planned_width_m=0.05,
            score=1.0,
            execution=Execution(o == "+", "held" if o == "+" else "empty", 0.04, ""),
            plan_s=1e-3 * (plan_ms + i),
        )
        for i, o in enumerate(outcomes)
    )
    return Round(seed=seed, round=index, presented=presented, ending=ending, attempts=attempts)


ROUNDS = (
    made_round(7, 1, 4, "", "no grasp"),
    made_round(7, 0, 5, "++-+--", "failures"),
    made_round(3, 0, 5, "+++++", "cleared"),
    made_round(3, 1, 3, "+", "no grasp"),
    made_round(5, 0, 2, "--", "failures"),
    made_round(5, 1, 2, "-++", "cleared"),
)


def test_rates_against_numbers_by_hand() -> None:
    """Seed 3: 6 of 6 grasps, 6 of 8 objects; seed 5: 2 of 5, 2 of 4; seed 7: 3 of 6, 3 of 9."""
    result = summarise(ROUNDS)
    gsr, dr = np.array([1.0, 0.4, 0.5]), np.array([0.75, 0.5, 1 / 3])
    assert result.gsr.mean == pytest.approx(gsr.mean()) and result.dr.mean == pytest.approx(dr.mean())
    assert result.gsr.std == pytest.approx(0.3214550) and result.dr.std == pytest.approx(np.std(dr, ddof=1))
    low, high = stats.t.interval(0.95, 2, loc=dr.mean(), scale=stats.sem(dr))
    assert (result.dr.low, result.dr.high) == (pytest.approx(max(low, 0.0)), pytest.approx(min(high, 1.0)))
    assert result.endings == {"cleared": 2, "no grasp": 2, "failures": 2}
    assert [(r.seed, r.round) for r in result.rounds] == [(3, 0), (3, 1), (5, 0), (5, 1), (7, 0), (7, 1)]


def test_the_interval_is_students_t_over_the_seeds() -> None:
    successes = [72, 75, 70, 78, 74]
    found = rate(range(5), successes, [100] * 5)
    low, high = stats.t.interval(0.95, 4, loc=0.738, scale=stats.sem(np.array(successes) / 100))
    assert found.mean == pytest.approx(0.738)
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    # by hand: std 0.0303315, times t = 2.7764451 over sqrt(5)
    assert found.high - found.mean == pytest.approx(0.0303315 * 2.7764451 / 5**0.5, abs=1e-6)


def test_a_seeds_rate_is_pooled_over_its_rounds() -> None:
    """1 of 1 and 1 of 9 are 2 of 10, not the mean of 100 % and 11 %."""
    assert rate([0, 0, 1, 1], [1, 1, 2, 2], [1, 9, 4, 6]).mean == pytest.approx(0.2 * 0.5 + 0.4 * 0.5)


def test_rounds_that_end_without_a_grasp_lower_dr_but_not_gsr() -> None:
    plain = [made_round(s, 0, 5, "++", "cleared") for s in range(2)]
    declined = [made_round(s, 1, 5, "", "no grasp") for s in range(2)]
    alone, both = summarise(plain), summarise(plain + declined)
    assert alone.gsr == both.gsr and both.gsr.mean == 1.0
    assert both.dr.mean == 0.5 * alone.dr.mean == pytest.approx(0.2)


def test_intervals_stay_between_zero_and_one() -> None:
    found = rate([0, 1], [0, 10], [10, 10])
    assert (found.low, found.high, found.mean) == (0.0, 1.0, 0.5)
    assert rate([0, 1], [5, 5], [5, 5]) == rate([4, 9], [7, 7], [7, 7])


def test_nothing_attempted_at_all() -> None:
    result = summarise([made_round(0, i, 5, "", "no grasp") for i in range(3)])
    assert result.gsr.mean == result.gsr.low == result.dr.mean == result.dr.low == 0.0
    z2 = 1.959964**2
    assert result.dr.high == pytest.approx(z2 / (15 + z2), abs=1e-6)  # Wilson's for none of 15
    assert np.isnan(result.plan_ms_p50) and np.isnan(result.gsr.std)
    assert summarise([made_round(0, 0, 0, "", "cleared")]).dr.mean == 0.0


def test_a_single_seed_has_a_bootstrap_interval_over_rounds() -> None:
    """Where rounds have one grasp each, it must come near the exact binomial interval."""
    n, k = 200, 150
    found = rate([0] * n, [1] * k + [0] * (n - k), [1] * n)
    exact = stats.binomtest(k, n).proportion_ci(method="exact")
    assert found.mean == 0.75 and np.isnan(found.std)
    assert (found.low, found.high) == (pytest.approx(exact.low, abs=0.015), pytest.approx(exact.high, abs=0.015))
    assert found == rate([4] * n, [1] * k + [0] * (n - k), [1] * n) or np.isnan(found.std)
    clustered = rate([0] * 20, [10] * 15 + [0] * 5, [10] * 20)
    assert clustered.high - clustered.low > 2.0 * (found.high - found.low)


def test_a_single_round_is_not_certain() -> None:
    """All of five grasps held says little: Wilson's interval for 5 of 5, from its formula with z = 1.96."""
    found = rate([0], [5], [5])
    z2 = 1.959964**2
    assert found.low == pytest.approx(5 / (5 + z2), abs=1e-6) and found.high == pytest.approx(1.0)


def test_the_planning_time_is_the_median_over_attempts() -> None:
    """Attempts take 10, 11, 12 and 30 ms."""
    result = summarise([made_round(0, 0, 3, "+++", "cleared"), made_round(0, 1, 3, "+", "cleared", plan_ms=30.0)])
    assert result.plan_ms_p50 == pytest.approx(11.5)


def test_no_rounds_are_refused() -> None:
    with pytest.raises(InputError, match="at least one round"):
        summarise([])
