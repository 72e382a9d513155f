"""How many instances of jobs run at once."""

from __future__ import annotations

import threading
from collections.abc import Callable

from airflow_sm_pipelines.local.jobs.slots import Slots


class Asker:
    """Somebody who takes a place in its own thread; gives it back, or gives up, when told."""

    def __init__(self, slots: Slots, told: Callable[[Asker], None], wanted: int) -> None:
        self.given_up = False
        self.leave = threading.Event()
        self.place: int | None = None
        self._slots, self._told, self._wanted = slots, told, wanted
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        self.place = self._slots.take(lambda: self.given_up, self._wanted)
        self._told(self)
        if self.place:
            self.leave.wait(10)
            self._slots.release_slots(self.place)


class Line:
    """Askers, one after the other, and those who were let in."""

    def __init__(self, slots: Slots) -> None:
        self.slots = slots
        self.ended: list[Asker] = []
        self._more = threading.Condition()

    def ask(self, wanted: int = 1) -> Asker:
        before = len(self.slots._waiting) + len(self.ended)
        asker = Asker(self.slots, self._tell, wanted)
        # It waits, or was let in: either way it has asked.
        while len(self.slots._waiting) + len(self.ended) == before and asker.place is None:
            asker.thread.join(0.001)
        return asker

    def _tell(self, asker: Asker) -> None:
        with self._more:
            self.ended.append(asker)
            self._more.notify_all()

    def wait_for(self, count: int) -> list[Asker]:
        with self._more:
            assert self._more.wait_for(lambda: len(self.ended) >= count, 10)
        return self.ended


def test_who_asked_first_comes_first():
    """As many as there are places are let in; each that leaves makes room for the next one in line."""
    line = Line(Slots(2))
    askers = [line.ask() for _ in range(5)]
    assert line.wait_for(2) == askers[:2]
    for number in range(3):
        askers[number].leave.set()
        assert line.wait_for(3 + number) == askers[: 3 + number]
    assert [asker.place for asker in askers] == [1] * 5
    for asker in askers:
        asker.leave.set()
        asker.thread.join(10)


def test_who_gives_up_makes_way():
    """A job that is stopped while it waits ends, and those behind it come in its stead."""
    line = Line(Slots(1))
    first, second, third = (line.ask() for _ in range(3))
    line.wait_for(1)
    second.given_up = True
    line.slots.wake()
    assert line.wait_for(2) == [first, second]
    first.leave.set()
    assert line.wait_for(3) == [first, second, third]
    assert [asker.place for asker in (first, second, third)] == [1, 0, 1]
    third.leave.set()
    third.thread.join(10)


def test_several_places_are_taken_at_once():
    """Two that each want most of what there is come one after the other; who wants more than there is gets all."""
    slots = Slots(3)
    line = Line(slots)
    first, second, third = line.ask(2), line.ask(2), line.ask(5)
    assert line.wait_for(1) == [first]
    first.leave.set()
    assert line.wait_for(2) == [first, second]
    second.leave.set()
    assert line.wait_for(3) == [first, second, third]
    assert [asker.place for asker in (first, second, third)] == [2, 2, 3]
    third.leave.set()
    third.thread.join(10)
    assert slots.take(lambda: False, 3) == 3


def test_without_a_limit_nobody_waits():
    """Everybody is let in at once."""
    slots = Slots()
    assert [slots.take(lambda: False, 2) for _ in range(100)] == [2] * 100
    slots.release_slots()
    assert slots.take(lambda: True) == 0
