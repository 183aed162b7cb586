"""What the robot decides: the pick-and-place skill, and clearing a table with it."""

from policies.cell_port import CellPort
from policies.clear_table import ClearConfig, ClearResult, Pick, Watcher, clear_table
from policies.pick_place import Phase, PickAndPlace, PickOutcome, PickResult
from policies.pick_planning import PickConfig, PickPlan, PickPlanning
from policies.robot_clutter import RobotClutterResult, RobotRound, run_robot_clutter
from policies.robot_port import Grip, Motion, RobotPort, RobotStopped
from policies.tried_grasps import untried_first

__all__ = [
    "CellPort",
    "ClearConfig",
    "ClearResult",
    "Grip",
    "Motion",
    "Phase",
    "Pick",
    "PickAndPlace",
    "PickConfig",
    "PickOutcome",
    "PickPlan",
    "PickPlanning",
    "PickResult",
    "RobotClutterResult",
    "RobotPort",
    "RobotRound",
    "RobotStopped",
    "Watcher",
    "clear_table",
    "run_robot_clutter",
    "untried_first",
]
