"""A stand-in for `launch` and `launch_ros`: enough to read a launch file, and to start what it describes in-process."""

from tests.ros_standin.launching.modules import launch_modules
from tests.ros_standin.launching.plan import LaunchPlan, PlannedNode, read_launch_file
from tests.ros_standin.launching.start import node_class, start_plan

__all__ = ["LaunchPlan", "PlannedNode", "launch_modules", "node_class", "read_launch_file", "start_plan"]
