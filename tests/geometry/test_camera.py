"""The pinhole camera against hand-computed pixels, finite differences, and the files people really have."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from geometry import InputError, PinholeCamera

CAMERA = PinholeCamera(width=640, height=480, fx=600.0, fy=610.0, cx=320.5, cy=239.5)
K = [[600.0, 0.0, 320.5], [0.0, 610.0, 239.5], [0.0, 0.0, 1.0]]
FLAT = [600.0, 0.0, 320.5, 0.0, 610.0, 239.5, 0.0, 0.0, 1.0]


def test_pixels_by_hand() -> None:
    points = [[0.0, 0.0, 1.0], [0.1, 0.0, 1.0], [0.0, -0.2, 2.0], [0.3, 0.3, 0.5]]
    expected = [[320.5, 239.5], [380.5, 239.5], [320.5, 178.5], [680.5, 605.5]]
    np.testing.assert_allclose(CAMERA.project(points), expected)


def test_projection_is_the_matrix_K() -> None:
    points = np.random.default_rng(0).uniform([-1, -1, 0.2], [1, 1, 3], size=(50, 3))
    homogeneous = points @ CAMERA.K.T
    np.testing.assert_allclose(CAMERA.project(points), homogeneous[:, :2] / homogeneous[:, 2:], rtol=1e-12)


def test_projection_moves_as_its_derivative_says() -> None:
    x, y, z = 0.12, -0.08, 0.7
    analytic = np.array([[600.0 / z, 0.0, -600.0 * x / z**2], [0.0, 610.0 / z, -610.0 * y / z**2]])
    step = 1e-6
    nudged = np.array([x, y, z]) + step * np.concatenate([np.eye(3), -np.eye(3)])
    pixels = CAMERA.project(nudged)
    np.testing.assert_allclose((pixels[:3] - pixels[3:]).T / (2 * step), analytic, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("z", [0.0, -1.0, np.nan])
def test_what_is_not_in_front_has_no_pixel(z: float) -> None:
    assert np.isnan(CAMERA.project([0.1, 0.1, z])).all()


def test_unproject_inverts_project() -> None:
    camera = CAMERA.scaled(0.1)
    depth_m = np.random.default_rng(1).uniform(0.3, 2.0, size=(camera.height, camera.width))
    points = camera.unproject(depth_m)
    v, u = np.mgrid[: camera.height, : camera.width]
    np.testing.assert_allclose(camera.project(points), np.stack([u, v], axis=-1), atol=1e-9)
    np.testing.assert_array_equal(points[..., 2], depth_m)


@pytest.mark.parametrize("nothing", [0.0, -0.5, np.nan, np.inf, -np.inf])
def test_no_return_is_no_point(nothing: float) -> None:
    camera = PinholeCamera(width=3, height=2, fx=2.0, fy=2.0, cx=1.0, cy=0.5)
    depth_m = np.full((2, 3), 1.0, dtype=np.float32)
    depth_m[1, 2] = nothing
    points = camera.unproject(depth_m)
    assert np.isnan(points[1, 2]).all()
    assert np.isfinite(points.reshape(-1, 3)[:-1]).all()
    np.testing.assert_allclose(points[0, 0], [-0.5, -0.25, 1.0])


def test_unproject_names_both_sizes() -> None:
    with pytest.raises(InputError, match=r"unproject: depth_m: expected .*\(480, 640\).* got \(640, 480\); use the"):
        CAMERA.unproject(np.ones((640, 480)))


def test_scaled_sees_the_same_rays() -> None:
    half = CAMERA.scaled(0.5)
    assert (half.width, half.height) == (320, 240)
    corners = np.array([[-0.5, -0.5], [639.5, 479.5]])  # outer corners of the outermost pixels
    for camera, edges in ((CAMERA, corners), (half, (corners + 0.5) * 0.5 - 0.5)):
        tangents = (edges - [camera.cx, camera.cy]) / [camera.fx, camera.fy]
        np.testing.assert_allclose(tangents, (corners - [320.5, 239.5]) / [600.0, 610.0])


@pytest.mark.parametrize(
    "fields",
    [
        {"width": 640, "height": 480, "fx": 600.0, "fy": 610.0, "cx": 320.5, "cy": 239.5},
        {"width": 640, "height": 480, "K": K},
        {"width": 640, "height": 480, "k": FLAT},
        {"WIDTH": 640, "HEIGHT": 480, "FX": 600, "FY": 610, "CX": 320.5, "CY": 239.5},
        {"width": 640, "height": 480, "intrinsic_matrix": list(np.transpose(K).flat)},  # Open3D writes columns
        {"image_width": 640, "image_height": 480, "camera_matrix": {"rows": 3, "cols": 3, "data": FLAT}},
        {"width": 640, "height": 480, "K": K, "depth_scale": 1000.0, "model": "other fields do no harm"},
    ],
    ids=["fields", "matrix", "flat", "capitals", "open3d", "ros-yaml", "more"],
)
def test_every_usual_layout_reads_alike(fields: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "camera.json"
    path.write_text(json.dumps(fields))
    assert PinholeCamera.from_json(path) == CAMERA


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "expected JSON"),
        ('{"width": 640,', "expected JSON"),
        ("[1, 2, 3]", "expected a JSON object, got list"),
        ("{}", "expected width, height and either fx"),
        ('{"width": 640, "height": 480}', "expected width, height and either fx"),
        ('{"width": Infinity, "height": 480, "fx": 1, "fy": 1, "cx": 1, "cy": 1}', "expected width, height"),
        ('{"fx": 1, "fy": 1, "cx": 1, "cy": 1}', "expected width, height and either fx"),
        ('{"width": 640, "height": 480, "K": [1, 2, 3]}', "expected width, height and either fx"),
        ('{"width": 640, "height": 480, "K": {"rows": 3}}', "expected width, height and either fx"),
        ('{"width": 640, "height": 480, "fx": "wide", "fy": 1, "cx": 1, "cy": 1}', "expected width, height"),
        ('{"width": 640, "height": 480, "fx": NaN, "fy": 600, "cx": 320, "cy": 240}', "expected finite intrinsics"),
        ('{"width": 640, "height": 480, "fx": -600, "fy": 600, "cx": 320, "cy": 240}', "fx and fy above 0"),
        ('{"width": 640, "height": 480, "fx": 320, "fy": 240, "cx": 6000, "cy": 600}', "not swapped"),
    ],
)
def test_a_bad_file_is_one_clear_line(text: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "camera.json"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        PinholeCamera.from_json(path)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere.json: expected a readable JSON file"):
        PinholeCamera.from_json(tmp_path / "nowhere.json")


def test_a_ros_camera_info_message() -> None:
    message = SimpleNamespace(width=640, height=480, k=np.array(FLAT), d=[0.0] * 5, distortion_model="plumb_bob")
    assert PinholeCamera.from_ros(message) == CAMERA


def test_an_uncalibrated_ros_camera_is_refused() -> None:
    with pytest.raises(InputError, match="fx and fy above 0"):
        PinholeCamera.from_ros(SimpleNamespace(width=640, height=480, k=[0.0] * 9))


@pytest.mark.parametrize("field", ["width", "height", "fx", "fy"])
@pytest.mark.parametrize("value", [0, -1, np.nan, np.inf])
def test_sizes_and_focal_lengths_are_above_zero(field: str, value: float) -> None:
    with pytest.raises(InputError, match="PinholeCamera: expected finite intrinsics"):
        replace(CAMERA, **{field: value})
