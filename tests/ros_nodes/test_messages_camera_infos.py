"""CameraInfo against bytes written by hand, numbers by hand, and OpenCV's lens models."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header

from geometry import InputError, PinholeCamera
from ros_nodes.messages.camera_infos import camera_from_info, distortion_px, info_from_camera
from tests.ros_nodes.cdr import STORE, Cdr

K = (615.5, 0.0, 318.25, 0.0, 616.75, 243.5, 0.0, 0.0, 1.0)
P = (500.0, 0.0, 320.0, 0.0, 0.0, 501.0, 240.0, 0.0, 0.0, 0.0, 1.0, 0.0)
EYE = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)


def written(
    d: tuple[float, ...] = (0.0,) * 5,
    k: tuple[float, ...] = K,
    p: tuple[float, ...] = P,
    size: tuple[int, int] = (480, 640),
    binning: tuple[int, int] = (0, 0),
    roi: tuple[int, int, int, int] = (0, 0, 0, 0),
    model: str = "plumb_bob",
) -> Cdr:
    """`roi` in the message's order: x_offset, y_offset, height, width."""
    cdr = Cdr().header(5, 6, "camera").put("II", *size).text(model).array("d", d)
    return cdr.put("d" * 30, *k, *EYE, *p).put("II", *binning).put("IIII?", *roi, False)


@pytest.fixture(params=["rosbags", "rclpy"])
def read(request: pytest.FixtureRequest) -> Any:
    def reader(**fields: Any) -> Any:
        data = written(**fields).data
        if request.param == "rclpy":
            return deserialize_message(data, CameraInfo)
        return STORE.deserialize_cdr(data, "sensor_msgs/msg/CameraInfo")

    return reader


def test_intrinsics_raw_and_rectified(read: Any) -> None:
    raw = PinholeCamera(width=640, height=480, fx=615.5, fy=616.75, cx=318.25, cy=243.5)
    assert camera_from_info(read()) == raw
    rectified = PinholeCamera(width=640, height=480, fx=500.0, fy=501.0, cx=320.0, cy=240.0)
    assert camera_from_info(read(), rectified=True) == rectified


def test_a_binned_region_sees_the_same_rays(read: Any) -> None:
    """A pixel of the image as sent covers 2 x 3 of the sensor's, whose middle must lie on the same ray."""
    camera = camera_from_info(read(binning=(2, 3), roi=(100, 60, 300, 400)))
    assert (camera.width, camera.height) == (200, 100)
    u, v = 7.0, 11.0
    middle_u, middle_v = np.mean([100 + 14, 100 + 15]), np.mean([60 + 33, 60 + 34, 60 + 35])
    ray = (u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy
    assert ray == pytest.approx(((middle_u - 318.25) / 615.5, (middle_v - 243.5) / 616.75), abs=1e-12)


def test_what_is_sent_are_the_bytes_written_by_hand() -> None:
    camera = PinholeCamera(width=640, height=480, fx=615.5, fy=616.75, cx=318.25, cy=243.5)
    header = Header(frame_id="camera")
    header.stamp.sec, header.stamp.nanosec = 5, 6
    p = (615.5, 0.0, 318.25, 0.0, 0.0, 616.75, 243.5, 0.0, 0.0, 0.0, 1.0, 0.0)
    sent = info_from_camera(camera, header)
    assert written(p=p).matches(sent)
    assert camera_from_info(sent) == camera == camera_from_info(sent, rectified=True)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"k": (float("nan"), *K[1:])}, "K: expected finite intrinsics with fx and fy above 0, got fx nan"),
        ({"k": (0.0,) * 9}, "got fx 0, fy 0, cx 0, cy 0; calibrate the camera"),
        ({"k": (-1.0, *K[1:])}, "got fx -1"),
        ({"size": (0, 640)}, "got 640 x 0"),
        ({"roi": (600, 0, 100, 100)}, "a region inside 640 x 480 pixels, got 100 x 100 from (600, 0)"),
        ({"k": (615.5, 0.0, 5000.0, *K[3:])}, "principal point"),
    ],
)
def test_bad_infos_are_told_in_one_line(read: Any, fields: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as caught:
        camera_from_info(read(**fields))
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_no_projection_matrix_for_rectified_images(read: Any) -> None:
    with pytest.raises(InputError, match="P: expected finite intrinsics"):
        camera_from_info(read(p=(0.0,) * 12), rectified=True)


LENSES = [
    ("plumb_bob", (0.1, -0.25, 0.001, -0.002, 0.05)),
    ("plumb_bob", (0.0, 0.0, 0.01, 0.0)),
    ("rational_polynomial", (0.5, 0.1, 0.001, 0.0005, 0.01, 0.4, 0.15, 0.02)),
    ("equidistant", (0.05, -0.01, 0.002, -0.0005)),
]


@pytest.mark.parametrize(("model", "d"), LENSES)
def test_distortion_as_opencv_has_it(read: Any, model: str, d: tuple[float, ...]) -> None:
    cv2 = pytest.importorskip("cv2")
    matrix = np.reshape(K, (3, 3))
    ideal = np.array([[u, v] for u in (0.0, 319.5, 639.0) for v in (0.0, 239.5, 479.0)])
    rays = np.column_stack([(ideal - matrix[:2, 2]) / np.diag(matrix)[:2], np.ones(9)])
    if model == "equidistant":
        bent, _ = cv2.fisheye.distortPoints(rays[None, :, :2].copy(), matrix, np.array(d)), None
        bent = bent[0]
    else:
        bent = cv2.projectPoints(rays, np.zeros(3), np.zeros(3), matrix, np.array(d))[0][:, 0]
    worst = np.linalg.norm(bent - ideal, axis=1).max()
    assert worst > 1.0
    assert distortion_px(read(model=model, d=d)) == pytest.approx(worst, abs=1e-6)


def test_no_distortion_and_unknown_distortion(read: Any) -> None:
    assert distortion_px(read()) == 0.0
    assert distortion_px(read(d=(), model="")) == 0.0
    assert distortion_px(read(d=(0.0,), model="something")) == 0.0
    with pytest.raises(InputError, match="got 'something' with"):
        distortion_px(read(d=(0.1, 0.0, 0.0, 0.0), model="something"))
    with pytest.raises(InputError, match="plumb_bob"):
        distortion_px(SimpleNamespace(d=[0.1, float("nan"), 0.0, 0.0], distortion_model="plumb_bob"))
