"""Who starts and ends the nodes of a whole stack."""

from __future__ import annotations

import json
from typing import Any

from std_srvs.srv import Trigger

from tests.ros_nodes.crew_in_process import CrewInProcess
from tests.ros_nodes.crew_of_processes import CrewOfProcesses
from tests.ros_nodes.session import RosSession


def crew_for(ros: RosSession) -> CrewInProcess | CrewOfProcesses:
    """A process for each node on a real rclpy, as a launch file starts them; else all in this process."""
    return CrewInProcess(ros) if ros.standin else CrewOfProcesses(ros)


def score_of(ros: RosSession) -> dict[str, Any]:
    """The simulation's own count; asked again where it has no time to answer."""
    told: list[str] = [""]

    def asked() -> bool:
        answer = ros.call(Trigger, "/sim_robot/score", timeout_s=30.0)
        told[0] = str(answer.message)
        return bool(answer.success)

    assert ros.wait_until(asked, 60.0), told[0]
    score: dict[str, Any] = json.loads(told[0])
    return score
