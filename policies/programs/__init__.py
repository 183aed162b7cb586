"""Task programs: what was shown, as typed steps that a robot can do."""

from policies.programs.program import ProgramObject, TaskProgram
from policies.programs.steps import Carry, Grasp, HandOver, Lift, Place, Pour, Push, Reach, Release, Step

__all__ = [
    "Carry",
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
]
