from __future__ import annotations

import pytest

from airflow_sm_pipelines.execution.pace import Pace


def test_waits_grow_while_nothing_happens():
    """Waits begin at a second, grow by half and stay at the longest."""
    pace = Pace(longest=5, chance=lambda: 0.0)
    assert [pace.after_change(), *(pace.after_nothing() for _ in range(6))] == [
        1.0,
        1.5,
        2.25,
        3.375,
        5,
        5,
        5,
    ]


def test_what_has_been_quiet_for_long_is_looked_at_seldom_from_the_start():
    """The first wait is a fifth of the quiet time, between the shortest and the longest."""
    pace = Pace(longest=30, chance=lambda: 0.0)
    assert [pace.after_change(quiet_for) for quiet_for in (0, 4, 50, 3600)] == [1.0, 1.0, 10.0, 30]
    assert pace.after_nothing() == 30


def test_a_change_makes_waits_short_again():
    """After a change the waits begin anew."""
    pace = Pace(longest=30, chance=lambda: 0.0)
    for _ in range(10):
        pace.after_nothing()
    assert [pace.after_nothing(), pace.after_change(), pace.after_nothing()] == [30, 1.0, 1.5]


def test_never_above_the_longest():
    """A longest wait below a second holds from the start, and can be changed while waiting."""
    pace = Pace(longest=0.25, chance=lambda: 0.0)
    assert [pace.after_change(), pace.after_nothing(), pace.shortest] == [0.25, 0.25, 0.25]
    pace.longest = 10
    assert [pace.after_nothing(), pace.shortest] == [1.0, 1.0]


def test_waits_are_spread():
    """A random part shortens each wait: up to a tenth, in trouble up to half; it never lengthens one."""
    assert Pace(longest=30, chance=lambda: 1.0).after_change() == pytest.approx(0.9)
    assert Pace(longest=30, chance=lambda: 1.0).after_trouble() == pytest.approx(1.0)
    waits = [Pace(longest=30).after_nothing() for _ in range(100)]
    assert len(set(waits)) > 50
    assert all(0.9 <= wait <= 1.0 for wait in waits)


def test_trouble_backs_off_and_ends():
    """Trouble doubles the wait up to half a minute; the first answer ends it."""
    pace = Pace(longest=5, chance=lambda: 0.0)
    assert [pace.after_trouble() for _ in range(6)] == [2, 4, 8, 16, 30, 30]
    assert [pace.after_nothing(), pace.after_trouble()] == [1.0, 2]
    for _ in range(5000):
        last = pace.after_trouble()
    assert last == 30
