"""The camera as realsense2_camera names it: depth, colour, depth aligned to colour, each with its CameraInfo.

Depth is captured between two steps and drawn by a thread of its own; colour is drawn by Bullet itself, which the
physics has to wait for. What nobody subscribes to is not drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, Image

from envs.cameras import TinyRendererCamera
from geometry import PinholeCamera
from ros_nodes.messages.buffers import data_from
from ros_nodes.messages.camera_infos import info_from_camera
from ros_nodes.messages.images import image_from_depth, image_from_rgb
from ros_nodes.messages.stamps import header_at
from ros_nodes.newest import NewestWorker
from ros_nodes.sim_robot.delay_line import DelayLine
from ros_nodes.sim_robot.depth_camera import DepthCamera, Shot
from ros_nodes.sim_robot.robot import SimRobot
from ros_nodes.sim_robot.schedule import Schedule
from ros_nodes.sim_robot.settings import SimRobotSettings
from ros_nodes.sim_robot.sim_scene import SimScene, camera_rng
from ros_nodes.sim_robot.state_interface import OPTICAL_FRAMES

_COLOR, _DEPTH, _ALIGNED = "color/image_raw", "depth/image_rect_raw", "aligned_depth_to_color/image_raw"


class CameraCounts(NamedTuple):
    """What became of the frames so far."""

    sent: int
    lost: int
    """By the fault `drop_frame_rate`."""
    skipped: int
    """Because the one before was still being drawn."""


class CameraInterface:
    """Publishes a robot's camera; `on_step` belongs to the thread that steps the world.

    Args:
        node: publishes it.
        settings: asked for the newest settings.
        before_frame: called when an image is taken, so that its camera's pose is told before the image comes.
        on_error: told what drawing a depth image raised.
    """

    def __init__(
        self,
        node: Node,
        settings: Callable[[], SimRobotSettings],
        before_frame: Callable[[SimRobot], None],
        on_error: Callable[[Exception], None],
    ) -> None:
        self._settings, self._before_frame = settings, before_frame
        self._publishers = {name: _publishers(node, name) for name in (_COLOR, _DEPTH, _ALIGNED)}
        self._worker = NewestWorker(self._develop, "depth camera", on_error=on_error)
        self._delayed = DelayLine()
        self._schedules = {_COLOR: Schedule(), _DEPTH: Schedule()}
        self._fault_rng = np.random.default_rng(0)
        self._scene: SimScene | None = None
        self._noise = ""
        self._sent = self._lost = 0

    @property
    def counts(self) -> CameraCounts:
        """What became of the frames so far."""
        return CameraCounts(self._sent, self._lost, self._worker.dropped)

    def close(self) -> None:
        """Stop drawing."""
        self._worker.close()

    def on_step(self, robot: SimRobot) -> None:
        """Take the images that are due, and send those that were held back long enough."""
        settings = self._settings()
        if robot.scene is not self._scene or settings.depth_noise != self._noise:
            self._mount(robot.scene, settings)
        self._delayed.release(robot.uptime_s)
        if self._due(_DEPTH, robot, settings.depth_rate_hz) and self._wanted(_DEPTH, _ALIGNED):
            self._take_depth(robot, settings)
        if self._due(_COLOR, robot, settings.color_rate_hz) and self._wanted(_COLOR):
            self._take_color(robot, settings)

    def _mount(self, scene: SimScene, settings: SimRobotSettings) -> None:
        self._worker.wait_idle(5.0)  # its camera is about to go
        score = scene.score()
        rng = camera_rng(int(score["seed"]), int(score["round"]))
        self._depth = DepthCamera(scene.world, scene.sensing, rng, settings.depth_noise)
        self._color = TinyRendererCamera(scene.world, scene.sensing.camera, shadow=False, segmentation=False)
        self._scene, self._noise = scene, settings.depth_noise

    def _due(self, name: str, robot: SimRobot, rate_hz: float) -> bool:
        return self._schedules[name].due(robot.uptime_s, 1.0 / rate_hz)

    def _wanted(self, *names: str) -> bool:
        return any(p.get_subscription_count() for name in names for p in self._publishers[name])

    def _works(self, settings: SimRobotSettings) -> bool:
        """Whether a frame comes through: the camera is there, and this frame is not lost."""
        if settings.camera_lost:
            return False
        if self._fault_rng.random() >= settings.drop_frame_rate:
            return True
        self._lost += 1
        return False

    def _take_depth(self, robot: SimRobot, settings: SimRobotSettings) -> None:
        if not self._works(settings):
            return
        self._before_frame(robot)
        shot = self._depth.capture(robot.scene.T_world_camera, robot.time_ns)
        if settings.real_time_factor == 0.0:
            self._develop((shot, robot.uptime_s))  # no wall clock to keep up with: every frame counts
        else:
            self._worker.put((shot, robot.uptime_s))

    def _develop(self, taken: tuple[Shot, float]) -> None:
        """Draw a depth image and send it on both topics; in the worker's thread."""
        shot, taken_s = taken
        settings, camera = self._settings(), self._depth.sensing.camera
        depth_m = self._depth.develop(shot)
        for name, kind in ((_DEPTH, "depth"), (_ALIGNED, "color")):
            if not self._wanted(name):
                continue
            header = header_at(shot.time_ns, settings.wrong_frame_id or OPTICAL_FRAMES[kind])
            self._send(name, _depth_message(depth_m, header, settings), camera, taken_s, settings)

    def _take_color(self, robot: SimRobot, settings: SimRobotSettings) -> None:
        if not self._works(settings):
            return
        self._before_frame(robot)
        frame = self._color.render(robot.scene.T_world_camera)
        assert frame.rgb is not None
        header = header_at(robot.time_ns, settings.wrong_frame_id or OPTICAL_FRAMES["color"])
        self._send(_COLOR, image_from_rgb(frame.rgb, header), frame.camera, robot.uptime_s, settings)

    def _send(self, name: str, image: Image, camera: PinholeCamera, taken_s: float, settings: SimRobotSettings) -> None:
        images, infos = self._publishers[name]
        info = info_from_camera(camera, image.header)
        self._sent += 1
        if settings.frame_delay_s == 0.0:
            _publish(images, infos, image, info)
        else:
            self._delayed.hold(taken_s + settings.frame_delay_s, partial(_publish, images, infos, image, info))


def _publish(images: Any, infos: Any, image: Image, info: CameraInfo) -> None:
    infos.publish(info)
    images.publish(image)


def _publishers(node: Node, name: str) -> tuple[Any, Any]:
    """The publishers of an image topic and of the CameraInfo beside it; reliable, as the real driver's."""
    topic = f"camera/camera/{name}"
    folder = topic.rsplit("/", 1)[0]
    return node.create_publisher(Image, topic, 5), node.create_publisher(CameraInfo, f"{folder}/camera_info", 5)


def _depth_message(depth_m: NDArray[np.float32], header: Any, settings: SimRobotSettings) -> Image:
    if settings.depth_zero or settings.depth_nan:
        depth_m = np.zeros_like(depth_m)
    if settings.depth_encoding == "16UC1":
        return image_from_depth(depth_m, header, "16UC1")
    message = image_from_depth(depth_m, header, "32FC1")
    if settings.depth_nan:
        message.data = data_from(np.full(depth_m.shape, np.nan, "<f4"))
    return message
