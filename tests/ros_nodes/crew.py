"""Who starts and ends the nodes of a whole stack."""

from __future__ import annotations

from tests.ros_nodes.crew_in_process import CrewInProcess
from tests.ros_nodes.crew_of_processes import CrewOfProcesses
from tests.ros_nodes.session import RosSession


def crew_for(ros: RosSession) -> CrewInProcess | CrewOfProcesses:
    """A process for each node on a real rclpy, as a launch file starts them; else all in this process."""
    return CrewInProcess(ros) if ros.standin else CrewOfProcesses(ros)
