"""A server that goes, comes back, or is missed once, on a clock of the test."""

from __future__ import annotations

from ros_nodes.absence import Absence


class Scene:
    """A server, a clock, and how often somebody looked."""

    def __init__(self) -> None:
        self.there, self.now_s, self.looks = True, 100.0, 0

    def look(self) -> bool:
        self.looks += 1
        return self.there


def watch(scene: Scene, **options: float) -> Absence:
    return Absence(scene.look, now_s=lambda: scene.now_s, **options)


def test_it_has_gone_only_when_it_was_missed_for_long_enough() -> None:
    scene = Scene()
    absence = watch(scene, after_s=1.0)
    assert not absence.gone()
    scene.there = False
    for scene.now_s in (150.0, 150.9):
        assert not absence.gone(), "nobody looked meanwhile, and now it is missed for the first time"
    scene.now_s = 151.1
    assert absence.gone()


def test_one_look_at_which_it_is_there_starts_the_time_again() -> None:
    scene = Scene()
    absence = watch(scene, after_s=1.0)
    for scene.now_s, scene.there in ((100.0, False), (100.9, False), (101.0, True), (101.5, False), (102.4, False)):
        assert not absence.gone()
    scene.now_s = 102.6
    assert absence.gone()


def test_it_is_not_looked_for_more_often_than_asked() -> None:
    scene = Scene()
    absence = watch(scene, after_s=1.0, look_s=0.25)
    for step in range(100):
        scene.now_s = 100.0 + 0.01 * step
        assert not absence.gone()
    assert scene.looks == 4
