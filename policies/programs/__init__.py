"""Task programs: what was shown, as typed steps that a robot can do."""

from policies.programs.conditions import check, effects, preconditions, unmet_effects
from policies.programs.program import ProgramObject, TaskProgram
from policies.programs.steps import Carry, Grasp, HandOver, Lift, Place, Pour, Push, Reach, Release, Step
from policies.programs.world_state import Fact, WorldState, observed_state

__all__ = [
    "Carry",
    "Fact",
    "Grasp",
    "HandOver",
    "Lift",
    "Place",
    "Pour",
    "ProgramObject",
    "Push",
    "Reach",
    "Release",
    "Step",
    "TaskProgram",
    "WorldState",
    "check",
    "effects",
    "observed_state",
    "preconditions",
    "unmet_effects",
]
