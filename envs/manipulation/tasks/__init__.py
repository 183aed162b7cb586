"""The tasks, one room each."""

from envs.manipulation.tasks.detour import Detour, DetourEnv
from envs.manipulation.tasks.handover import Handover, HandoverEnv, free_end
from envs.manipulation.tasks.lift import Lift, LiftEnv
from envs.manipulation.tasks.pick_place import PickPlace, PickPlaceEnv
from envs.manipulation.tasks.push import Push, PushEnv
from envs.manipulation.tasks.reach import Reach, ReachEnv
from envs.manipulation.tasks.slide import SLIDING_FRICTION, Slide, SlideEnv
from envs.manipulation.tasks.stack import Stack, Stack3, Stack3Env, StackEnv

__all__ = [
    "SLIDING_FRICTION",
    "Detour",
    "DetourEnv",
    "Handover",
    "HandoverEnv",
    "Lift",
    "LiftEnv",
    "PickPlace",
    "PickPlaceEnv",
    "Push",
    "PushEnv",
    "Reach",
    "ReachEnv",
    "Slide",
    "SlideEnv",
    "Stack",
    "Stack3",
    "Stack3Env",
    "StackEnv",
    "free_end",
]
