"""What the robot decides: the pick-and-place skill, and clearing a table with it."""

from policies.clear_table import ClearConfig, ClearResult, Pick, Watcher, clear_table
from policies.pick_place import PickAndPlace, PickResult
from policies.pick_planning import PickConfig
from policies.robot_clutter import RobotClutterResult, RobotRound, run_robot_clutter

__all__ = [
    "ClearConfig",
    "ClearResult",
    "Pick",
    "PickAndPlace",
    "PickConfig",
    "PickResult",
    "RobotClutterResult",
    "RobotRound",
    "Watcher",
    "clear_table",
    "run_robot_clutter",
]
