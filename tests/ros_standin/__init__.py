"""A stand-in for ROS 2 where none is installed: rclpy and what belongs to it, in one process.

Tests run the same on it and on a real ROS; `install()` leaves a real one alone.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

__all__ = ["install", "installed"]
PACKAGES = ("rclpy", "rosidl_runtime_py", "ament_index_python")
"""Packages that lie as folders beside this file."""


class _BesideThisFile:
    """Finds the stand-in's packages that nothing else has, and nothing else."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name not in PACKAGES:
            return None
        return PathFinder.find_spec(name, [str(Path(__file__).parent)])


def installed() -> bool:
    """Whether `rclpy` is the stand-in."""
    import rclpy

    return Path(rclpy.__file__).is_relative_to(Path(__file__).parent)


def install() -> bool:
    """Make `import rclpy` and its like work; whether they now give the stand-in.

    Each missing part is lent by itself: a real rclpy keeps real messages, and gets tf2 where it lacks it.
    """
    if _BesideThisFile in sys.meta_path:
        return installed()
    real = importlib.util.find_spec("rclpy") is not None
    if importlib.util.find_spec("launch_ros") is None:
        from tests.ros_standin.launching import launch_modules

        sys.modules.update(launch_modules())
    if not real:
        from tests.ros_standin.messages import message_modules

        sys.modules.update(message_modules())
    sys.meta_path.append(_BesideThisFile)
    if importlib.util.find_spec("tf2_ros") is None:
        from tests.ros_standin.tf2 import tf2_modules

        sys.modules.update(tf2_modules())
    return not real
