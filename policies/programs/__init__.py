"""Task programs: what was shown, as typed steps that a robot can do."""

from policies.programs.conditions import check, effects, preconditions, unmet_effects
from policies.programs.program import ProgramObject, TaskProgram
from policies.programs.program_file import load_program, save_program
from policies.programs.recording_program import ShownTask, ThingEvent, program_from_recording
from policies.programs.steps import Carry, Grasp, HandOver, Lift, Place, Pour, Push, Reach, Release, Step
from policies.programs.words import describe
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
    "ShownTask",
    "Step",
    "TaskProgram",
    "ThingEvent",
    "WorldState",
    "check",
    "describe",
    "effects",
    "load_program",
    "observed_state",
    "preconditions",
    "program_from_recording",
    "save_program",
    "unmet_effects",
]
