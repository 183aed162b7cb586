"""`sim_robot`: PyBullet behind the interfaces of a Panda with ros2_control and a RealSense."""

from __future__ import annotations

import time
from typing import Any

from rclpy.node import Node

from geometry import InputError
from ros_nodes.health import Health
from ros_nodes.parameters import declare_parameters
from ros_nodes.running import run_node
from ros_nodes.sim_robot.arm_interface import ArmInterface
from ros_nodes.sim_robot.camera_interface import CameraInterface
from ros_nodes.sim_robot.fault_settings import active_faults
from ros_nodes.sim_robot.gripper_interface import GripperInterface
from ros_nodes.sim_robot.pacer import Pacer
from ros_nodes.sim_robot.physics_thread import PhysicsThread
from ros_nodes.sim_robot.robot import SimRobot
from ros_nodes.sim_robot.scene_interface import SceneInterface
from ros_nodes.sim_robot.scene_maker import SceneMaker
from ros_nodes.sim_robot.settings import SimRobotSettings
from ros_nodes.sim_robot.state_interface import StateInterface
from ros_nodes.steady_timer import steady_timer

_START_S = 120.0
_REPORT_S = 0.5
_TROUBLE_S = 3.0


class SimRobotNode(Node):
    """A simulated Panda with a depth camera, in a scene.

    Args:
        node_options: rclpy's options for a node.
    """

    def __init__(self, **node_options: Any) -> None:
        super().__init__("sim_robot", **node_options)
        self.parameters = declare_parameters(self, SimRobotSettings)
        self.health = Health(self, "simulation")
        self._ended = False
        self._maker, self._pacer = SceneMaker(), Pacer()
        self._robot: SimRobot | None = None
        self._failure: BaseException | None = None
        self._trouble, self._trouble_s = "", -1e9
        self._physics = PhysicsThread(self._begin, self._advance, self._end, on_error=self._fail)
        self._state = StateInterface(self, self._settings)
        self._camera = CameraInterface(self, self._settings, self._state.send_camera, self._camera_failed)
        self._scenes = SceneInterface(self, self._the_robot, self._settings, self._maker, self._physics)
        self._servers: list[ArmInterface | GripperInterface] = []
        self._start()
        self.parameters.on_change(self._on_change)
        steady_timer(self, _REPORT_S, self._report)

    def wind_down(self) -> None:
        """Stop the physics; goals under way end as aborted."""
        self._physics.close()

    def destroy_node(self) -> None:
        """Stop everything and free the world; twice is harmless."""
        if self._ended:
            return
        self._ended = True
        self.health.close()
        self._physics.close()
        self._camera.close()
        for server in self._servers:
            server.close()
        self._servers.clear()
        super().destroy_node()

    def _settings(self) -> SimRobotSettings:
        return self.parameters.current

    def _the_robot(self) -> SimRobot:
        assert self._robot is not None
        return self._robot

    def _start(self) -> None:
        """Wait for the first scene, then offer the robot.

        Raises:
            InputError: where the settings name a scene that cannot be made.
        """
        self._physics.start()
        ready = self._physics.wait_ready(_START_S)
        if self._robot is None or self._failure is not None:
            failure = self._failure
            self.destroy_node()
            if failure is not None:
                raise failure
            raise InputError("simulation", expected=f"a scene within {_START_S:g} s", got=f"none, ready: {ready}")
        robot, settings, closing = self._robot, self._settings, lambda: self._physics.closing
        self._servers.append(ArmInterface(self, robot, settings, closing, self._on_trouble))
        self._servers.append(GripperInterface(self, robot, settings, closing))

    def _begin(self) -> None:
        scene = self._maker.make_first(self._settings())
        self._robot = SimRobot(scene, self._settings, on_step=self._on_step, on_trouble=self._on_trouble)

    def _advance(self) -> None:
        if self.context.ok():
            self._the_robot().advance()
        else:
            self._physics.stop()

    def _end(self) -> None:
        if self._robot is not None:
            self._robot.close()

    def _on_step(self) -> None:
        robot = self._the_robot()
        if not self._physics.closing and self.context.ok():
            self._state.on_step(robot)
            self._scenes.on_step(robot)
            self._camera.on_step(robot)
            self._pacer.wait(robot.uptime_s, self._settings().real_time_factor)

    def _on_trouble(self, line: str) -> None:
        self._trouble, self._trouble_s = line, time.monotonic()
        self.health.report("arm", "warn", line)

    def _fail(self, error: BaseException) -> None:
        if self._robot is not None and not self.context.ok():
            return  # the context ended in the middle of a step: nothing can be published any more
        self._failure = error
        if self._robot is not None:
            self.health.report("physics", "error", f"the simulation ended: {error!r}")

    def _camera_failed(self, error: Exception) -> None:
        self.health.report("camera", "error", f"no depth image: {error!r}")

    def _on_change(self, old: SimRobotSettings, new: SimRobotSettings) -> None:
        if new.clock_jump_s not in (old.clock_jump_s, 0.0):
            seconds = new.clock_jump_s
            self._physics.between_steps(lambda: self._the_robot().jump(seconds))

    def _report(self) -> None:
        """Say how everything is."""
        if self._failure is not None:
            return
        robot, settings = self._the_robot(), self._settings()
        self.health.report(
            "physics",
            "ok",
            "running",
            real_time_factor=self._pacer.measured_factor,
            simulated_s=robot.uptime_s,
            scene=settings.scene,
        )
        counts = self._camera.counts
        self.health.report(
            "camera",
            "error" if settings.camera_lost else "ok",
            "lost" if settings.camera_lost else "running",
            **counts._asdict(),
        )
        if time.monotonic() - self._trouble_s > _TROUBLE_S:
            self.health.report("arm", "ok", "holds" if robot.trajectory.idle else "follows a trajectory")
        faults = active_faults(settings)
        self.health.report("faults", "warn" if faults else "ok", ", ".join(faults) or "none asked for")


def main(args: list[str] | None = None) -> int:
    """Run the node as a process."""
    return run_node(SimRobotNode, args)
