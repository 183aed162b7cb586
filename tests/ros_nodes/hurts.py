"""Faults from within a node, as services `~/hurt/...`: what neither a parameter nor a message can do to it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from std_srvs.srv import Trigger

from ros_nodes.sim_robot.arm_interface import ArmInterface
from ros_nodes.trigger_answers import answering

STANDSTILL_S = 12.0
_POLL_S, _ASKED_S = 0.02, 60.0


def controller_goes(sim: Any) -> None:
    """The controller's action server disappears."""
    sim._servers.pop(0)._server.destroy()


def controller_returns(sim: Any) -> None:
    """It is there again."""
    made = ArmInterface(sim, sim._the_robot(), sim._settings, lambda: sim._physics.closing, sim._on_trouble)
    sim._servers.insert(0, made)


def stand_still(sim: Any) -> None:
    """The simulation stands, clock and all."""
    sim._physics.between_steps(lambda: threading.Event().wait(STANDSTILL_S))


def empty_table(sim: Any) -> None:
    """Everything that can be grasped is taken away."""

    def take_away() -> None:
        for number, item in enumerate(sim._the_robot().scene.cell.scene.objects.values()):
            away = item.body.pose()
            away[:3, 3] = 5.0 + number, 5.0, 0.1
            item.body.set_pose(away)

    sim._physics.between_steps(take_away).result(10.0)


def heart_stops(pick_server: Any) -> None:
    """Its heartbeat reaches nobody."""
    pick_server._beat.publish = lambda message: None


def heart_beats(pick_server: Any) -> None:
    """It is heard again."""
    del pick_server._beat.publish


def await_question(detector: Any) -> None:
    """Answers when somebody waits for grasps."""
    waited = threading.Event()
    for _ in range(round(_ASKED_S / _POLL_S)):
        if len(detector._wishes):
            return
        waited.wait(_POLL_S)


_HURTS: dict[str, tuple[Callable[[Any], None], ...]] = {
    "sim_robot": (controller_goes, controller_returns, stand_still, empty_table),
    "pick_server": (heart_stops, heart_beats),
    "grasp_detector": (await_question,),
}


def add_hurts(node: Any) -> None:
    """Let a node be hurt: `~/hurt/NAME` calls the function of that name with it."""
    group = MutuallyExclusiveCallbackGroup()
    for hurt in _HURTS.get(node.get_name(), ()):

        def job(hurt: Callable[[Any], None] = hurt) -> str:
            hurt(node)
            return hurt.__name__

        node.create_service(Trigger, f"~/hurt/{hurt.__name__}", answering(job), callback_group=group)
