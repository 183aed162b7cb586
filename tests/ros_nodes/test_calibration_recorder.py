"""The recorder of calibration samples: from images and TF to a folder that `calibrate` reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from geometry_msgs.msg import TransformStamped
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from rclpy.parameter import Parameter
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import CameraInfo, Image
from std_srvs.srv import Trigger
from tf2_msgs.msg import TFMessage

from geometry import FloatArray, InputError, PinholeCamera, invert, transform
from perception.calibration import Board, PoseSamples, calibrate_hand_eye, read_samples
from ros_nodes.calibration_recorder.node import CalibrationRecorderNode
from ros_nodes.calibration_recorder.sample_folder import SampleFolder
from ros_nodes.messages.camera_infos import info_from_camera
from ros_nodes.messages.images import image_from_rgb
from ros_nodes.messages.poses import transform_from_matrix

if TYPE_CHECKING:
    from tests.ros_nodes.session import RosSession

CAMERA = PinholeCamera(width=640, height=480, fx=600.0, fy=605.0, cx=322.0, cy=238.0)
BOARD = Board(kind="charuco", columns=7, rows=5, square_m=0.04, marker_m=0.03)
T_HAND_CAMERA = transform(Rotation.from_euler("z", 90, degrees=True), (0.05, 0.0, 0.04))
T_BASE_BOARD = transform(Rotation.from_euler("x", 180, degrees=True), (0.4, 0.1, 0.0))
T_LINK_CAMERA = transform(Rotation.from_quat([-0.5, 0.5, -0.5, 0.5]), (0.0, 0.015, 0.0))
SQUARE_PX = 60


def photograph(T_camera_board: FloatArray) -> np.ndarray:
    """(480, 640, 3) the board by the homography of its plane."""
    cv2 = pytest.importorskip("cv2")
    dictionary = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_5X5_100)
    pattern = cv2.aruco.CharucoBoard((BOARD.columns, BOARD.rows), BOARD.square_m, BOARD.marker_m, dictionary)
    flat = pattern.generateImage((BOARD.columns * SQUARE_PX, BOARD.rows * SQUARE_PX), marginSize=0)
    metre = BOARD.square_m / SQUARE_PX
    to_metres = np.array([[metre, 0.0, 0.5 * metre], [0.0, metre, 0.5 * metre], [0.0, 0.0, 1.0]])
    to_pixels = CAMERA.K @ T_camera_board[:3, [0, 1, 3]] @ to_metres
    gray = cv2.warpPerspective(flat, to_pixels, (640, 480), flags=cv2.INTER_LINEAR, borderValue=200)
    return np.repeat(gray[..., None], 3, axis=2)


class Robot(Node):
    """A hand with a camera that looks at the board from wherever it is put."""

    def __init__(self, **options: Any) -> None:
        super().__init__("robot", **options)
        self.T_base_hand = np.eye(4)
        self.speed_m_s = 0.0
        self.image: Any = None
        group = ReentrantCallbackGroup()
        self._tf = self.create_publisher(TFMessage, "/tf", 100)
        self._images = self.create_publisher(Image, "image", 10)
        self._infos = self.create_publisher(CameraInfo, "camera_info", 10)
        self.create_timer(0.02, self._tick, callback_group=group)

    def put(self, T_base_hand: FloatArray, *, with_board: bool = True) -> None:
        self.T_base_hand = T_base_hand
        blank = np.full((480, 640, 3), 128, dtype=np.uint8)
        self.image = photograph(invert(T_base_hand @ T_HAND_CAMERA) @ T_BASE_BOARD) if with_board else blank

    def _tick(self) -> None:
        stamp = self.get_clock().now().to_msg()
        self.T_base_hand = transform(translation=(0.02 * self.speed_m_s, 0.0, 0.0)) @ self.T_base_hand
        frames = (("panda_link0", "panda_hand", self.T_base_hand), ("camera_link", "optical", T_LINK_CAMERA))
        message = TFMessage()
        for parent, child, T in frames:
            one = TransformStamped(child_frame_id=child, transform=transform_from_matrix(T))
            one.header.frame_id, one.header.stamp = parent, stamp
            message.transforms = [*message.transforms, one]
        if not self.context.ok():
            return
        self._tf.publish(message)
        if self.image is not None:
            info = info_from_camera(CAMERA, message.transforms[0].header)
            info.header.frame_id = "optical"
            self._infos.publish(info)
            self._images.publish(image_from_rgb(self.image, info.header))


def overrides(folder: Path, **more: Any) -> list[Parameter]:
    given = {"folder": str(folder), "still_s": 0.1, **more}
    return [Parameter(name, value=value) for name, value in given.items()]


def postures(count: int) -> list[FloatArray]:
    """Hands above the board with the camera looking at its middle, turned this way and that."""
    rng = np.random.default_rng(0)
    middle = 0.5 * BOARD.square_m * np.array([BOARD.columns, BOARD.rows, 0.0])
    found = []
    for _ in range(count):
        turn = Rotation.from_rotvec(rng.normal(size=3) * [20, 20, 10], degrees=True)
        T_camera_board = transform(turn, np.array([0.0, 0.0, 0.5]) - turn.apply(middle))
        found.append(T_BASE_BOARD @ invert(T_HAND_CAMERA @ T_camera_board))
    return found


def test_from_taking_samples_to_a_calibrated_camera(ros: RosSession, tmp_path: Path) -> None:
    robot = ros.start(Robot)
    robot.put(postures(1)[0])
    ros.start(CalibrationRecorderNode, parameter_overrides=overrides(tmp_path / "samples"))

    def take() -> Any:
        return ros.call(Trigger, "/calibration_recorder/take", timeout_s=10.0)

    assert ros.wait_until(lambda: take().success, 10.0), take().message
    for T in postures(7)[1:]:
        robot.put(T)
        assert ros.wait_until(lambda: (taken := take()).success and "24 corners" in taken.message, 5.0), take().message
    undone = ros.call(Trigger, "/calibration_recorder/undo")
    assert undone.success and undone.message == "forgot sample 007"
    read = read_samples(tmp_path / "samples" / "samples.json")
    assert isinstance(read.samples, PoseSamples) and len(read.samples.names) == 6 and read.skipped == ()
    assert read.frames[:4] == ("panda_link0", "panda_hand", "optical", "camera_link")
    np.testing.assert_allclose(read.frames.T_root_camera, T_LINK_CAMERA, atol=1e-6)
    found = calibrate_hand_eye(read.samples)
    np.testing.assert_allclose(found.T_parent_camera, T_HAND_CAMERA, atol=4e-3)


def test_what_is_not_taken(ros: RosSession, tmp_path: Path) -> None:
    def take() -> str:
        response = ros.call(Trigger, "/calibration_recorder/take", timeout_s=10.0)
        assert not response.success
        return str(response.message)

    node = ros.start(CalibrationRecorderNode, parameter_overrides=overrides(tmp_path / "s", image_timeout_s=0.2))
    assert "an image on the topic image, got none in 0.2 s" in take()
    robot = ros.start(Robot)
    robot.put(postures(1)[0], with_board=False)
    assert ros.wait_until(lambda: "the board in the image, got 0 corners" in take(), 5.0), take()
    robot.put(postures(1)[0])
    robot.speed_m_s = 0.1
    assert ros.wait_until(lambda: "stands still, got one that moved by" in take(), 5.0), take()
    robot.speed_m_s = 0.0
    node.set_parameters([Parameter("camera_root_frame", value="nowhere")])
    assert ros.wait_until(lambda: "TF from nowhere to optical" in take(), 5.0), take()
    assert not (tmp_path / "s" / "samples.json").exists()
    assert not ros.call(Trigger, "/calibration_recorder/undo").success


FACTS = {"camera": {"width": 640, "fx": 600.0}, "camera_frame": "optical"}
FRAMES = {"base_frame": "base", "gripper_frame": "hand"}
PICTURE = np.zeros((4, 6, 3), dtype=np.uint8)


def test_a_folder_is_gone_on_with(tmp_path: Path) -> None:
    folder = SampleFolder(tmp_path, "eye-in-hand", BOARD, FRAMES)
    assert [folder.add(PICTURE, np.eye(4), FACTS) for _ in range(3)] == ["001", "002", "003"]
    again = SampleFolder(tmp_path, "eye-in-hand", BOARD, FRAMES)
    assert len(again) == 3 and again.undo() == "003" and again.add(PICTURE, np.eye(4), FACTS) == "003"
    content = json.loads((tmp_path / "samples.json").read_text())
    assert content["setup"] == "eye-in-hand" and content["board"]["columns"] == 7
    assert content["samples"][2] == {"T_base_gripper": [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0], "image": "003.png"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["001.png", "002.png", "003.png", "samples.json"]


def test_another_camera_or_setup_needs_another_folder(tmp_path: Path) -> None:
    folder = SampleFolder(tmp_path, "eye-in-hand", BOARD, FRAMES)
    folder.add(PICTURE, np.eye(4), FACTS)
    with pytest.raises(InputError, match="another camera than"):
        folder.add(PICTURE, np.eye(4), {**FACTS, "camera": {"width": 640, "fx": 610.0}})
    with pytest.raises(InputError, match="another setup"):
        SampleFolder(tmp_path, "eye-to-hand", BOARD, FRAMES)
    (tmp_path / "samples.json").write_text("{")
    with pytest.raises(InputError, match="a folder for samples"):
        SampleFolder(tmp_path, "eye-in-hand", BOARD, FRAMES)
