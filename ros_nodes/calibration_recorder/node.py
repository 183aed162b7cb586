"""`calibration_recorder`: records samples for `graspmimic calibrate`.

In: `image`, `camera_info`, TF from the robot's base to its tip. Services: `~/take`, `~/undo` (Trigger).
Drive the arm to a posture, let it rest, call `~/take`; 15 times or more, turned by 20 to 40 degrees about two axes.
"""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, Image
from std_srvs.srv import Trigger

from geometry import FloatArray, InputError, PinholeCamera, rotation_angle, to_pos_quat
from perception.calibration import find_board
from perception.calibration.solvers import opencv
from ros_nodes.calibration_recorder.sample_folder import SampleFolder
from ros_nodes.calibration_recorder.settings import RecorderSettings
from ros_nodes.frames import Frames
from ros_nodes.health import Health
from ros_nodes.messages.camera_infos import camera_from_info
from ros_nodes.messages.images import rgb_from_image
from ros_nodes.messages.stamps import seconds_of, stamp_of
from ros_nodes.parameters import declare_parameters
from ros_nodes.qos import SENSOR
from ros_nodes.running import run_node

_TF_S = 1.0
_LUMA = np.array([0.299, 0.587, 0.114])


class CalibrationRecorderNode(Node):
    """Takes a sample when it is asked to, and says what is wrong with one that it does not take."""

    def __init__(self, **node_options: Any) -> None:
        super().__init__("calibration_recorder", **node_options)
        self.parameters = declare_parameters(self, RecorderSettings)
        settings = self.parameters.current
        frames = {"base_frame": settings.base_frame, "gripper_frame": settings.tip_frame}
        self._samples = SampleFolder(settings.folder, settings.setup, settings.board, frames)
        self._changed = threading.Condition()
        self._taking = threading.Lock()
        self._newest: Any = None
        self._images = 0
        self._info: Any = None
        self.health = Health(self)
        self._frames = Frames(self)
        inputs, asked = MutuallyExclusiveCallbackGroup(), ReentrantCallbackGroup()
        self.create_subscription(Image, "image", self._on_image, SENSOR, callback_group=inputs)
        self.create_subscription(CameraInfo, "camera_info", self._on_info, SENSOR, callback_group=inputs)
        self.create_service(Trigger, "~/take", self._on_take, callback_group=asked)
        self.create_service(Trigger, "~/undo", self._on_undo, callback_group=asked)
        self.health.report("samples", "ok", f"{len(self._samples)} in {self._samples.folder}")

    def destroy_node(self) -> None:
        """Free what was made."""
        self.health.close()
        self._frames.close()
        super().destroy_node()

    def _on_image(self, message: Image) -> None:
        with self._changed:
            self._newest, self._images = message, self._images + 1
            self._changed.notify_all()

    def _on_info(self, message: CameraInfo) -> None:
        self._info = message

    def _on_take(self, _: Any, response: Any) -> Any:
        with self._taking:
            try:
                response.success, response.message = True, self._take()
            except InputError as refused:
                response.success, response.message = False, str(refused)
        self.health.report("samples", "ok" if response.success else "warn", response.message)
        return response

    def _on_undo(self, _: Any, response: Any) -> Any:
        with self._taking:
            name = self._samples.undo()
        response.success, response.message = bool(name), f"forgot sample {name}" if name else "there is none"
        return response

    def _take(self) -> str:
        """Take a sample; a line about it.

        Raises:
            InputError: where something is missing, moves, or cannot be written.
        """
        settings = self.parameters.current
        image = self._next_image(settings.image_timeout_s)
        if self._info is None:
            raise InputError("take", expected="a CameraInfo on camera_info", got="none yet")
        if self._info.distortion_model == "equidistant" and any(self._info.d):
            got, remedy = "those of a fisheye lens", "rectify them with image_proc"
            raise InputError("take", expected="images of a pinhole camera", got=got, remedy=remedy)
        camera, rgb = camera_from_info(self._info), rgb_from_image(image)
        T = self._still_pose(settings, image)
        seen = self._look(settings, rgb, camera)
        intrinsics = {
            **{name: getattr(camera, name) for name in ("width", "height", "fx", "fy", "cx", "cy")},
            "distortion": [float(value) for value in self._info.d],
        }
        facts = {"camera": intrinsics, "camera_frame": image.header.frame_id, **self._root(settings, image)}
        name = self._samples.add(rgb, T, facts)
        return f"sample {name}, {len(self._samples)} in all: {seen}"

    def _next_image(self, timeout_s: float) -> Any:
        """An image that came after this was called: the arm rested when it was taken."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            before = self._images
            while self._images == before:
                left_s = deadline - time.monotonic()
                if left_s <= 0.0 or not self.context.ok():
                    raise InputError("take", expected="an image on the topic image", got=f"none in {timeout_s:.1f} s")
                self._changed.wait(min(left_s, 0.1))
            return self._newest

    def _still_pose(self, settings: RecorderSettings, image: Any) -> FloatArray:
        """(4, 4) `T_base_gripper` at the image's time."""
        earlier = stamp_of(max(seconds_of(image.header.stamp) - settings.still_s, 0.0))
        poses = []
        for stamp in (image.header.stamp, earlier):
            found = self._frames.lookup(settings.base_frame, settings.tip_frame, stamp, _TF_S)
            if found.T is None:
                raise InputError("take", expected="TF from the base to the tip at the image's time", got=found.problem)
            poses.append(found.T)
        mm = 1e3 * float(np.linalg.norm(poses[0][:3, 3] - poses[1][:3, 3]))
        deg = float(np.degrees(rotation_angle(poses[0][:3, :3], poses[1][:3, :3])))
        if mm > settings.still_mm or deg > settings.still_deg:
            got = f"one that moved by {mm:.2f} mm and {deg:.2f} degrees in {settings.still_s:.1f} s"
            raise InputError("take", expected="a gripper that stands still", got=got, remedy="wait, and take again")
        return poses[0]

    def _look(self, settings: RecorderSettings, rgb: Any, camera: PinholeCamera) -> str:
        """What is to be seen of the board."""
        try:
            cv2 = opencv()
        except InputError as missing:
            return f"the image was not looked at: {missing}"
        view = find_board(cv2, np.rint(rgb @ _LUMA).astype(np.uint8), settings.board, camera, self._info.d)
        if view.T_camera_board is None:
            raise InputError("take", expected="the board in the image", got=view.problem)
        return f"{view.corners} corners, {view.rms_px:.2f} pixels"

    def _root(self, settings: RecorderSettings, image: Any) -> dict[str, Any]:
        """The pose of the image's frame in the root of the camera driver's frames."""
        root, frame = settings.camera_root_frame, image.header.frame_id
        if root in ("", frame):
            return {}
        found = self._frames.lookup(root, frame, image.header.stamp, _TF_S)
        if found.T is None:
            remedy = "set camera_root_frame to the driver's root, or to an empty text"
            raise InputError("take", expected=f"TF from {root} to {frame}", got=found.problem, remedy=remedy)
        position, quat_xyzw = to_pos_quat(found.T)
        return {"root_frame": root, "T_root_camera": [*position.tolist(), *quat_xyzw.tolist()]}


def main(args: list[str] | None = None) -> int:
    """Run the node."""
    return run_node(CalibrationRecorderNode, args)
