"""Scripted experts: controllers that play a task from its true state, for demonstrations and as baselines."""

from policies.experts.detour import DetourExpert
from policies.experts.expert import Expert
from policies.experts.handover import HandoverExpert
from policies.experts.pick_place import LiftExpert, PickPlaceExpert, StackExpert
from policies.experts.push import PushExpert, ReachExpert
from policies.experts.slide import SlideExpert

__all__ = ["EXPERTS", "Expert", "make_expert"]

EXPERTS: dict[str, type[Expert]] = {
    "Detour": DetourExpert,
    "Handover": HandoverExpert,
    "Lift": LiftExpert,
    "PickPlace": PickPlaceExpert,
    "Push": PushExpert,
    "Reach": ReachExpert,
    "Slide": SlideExpert,
    "Stack": StackExpert,
    "Stack3": StackExpert,
}
"""The expert of each task that has one."""


def make_expert(task: str) -> Expert:
    """The expert of a task, by the name in its id."""
    return EXPERTS[task]()
