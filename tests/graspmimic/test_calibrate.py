"""`calibrate`: from a file of samples to the files that ROS reads, and one line for what cannot be done."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from PIL import Image
from rich.console import Console
from scipy.spatial.transform import Rotation

from geometry import FloatArray, InputError, from_pos_quat, invert, to_pos_quat, transform
from graspmimic.calibrate import Calibrate

CAMERA_IN_HAND = transform(Rotation.from_euler("z", 90, degrees=True), (0.05, 0.0, 0.04))
BOARD = transform(Rotation.from_euler("x", 180, degrees=True), (0.5, 0.0, 0.0))
QUIET = Console(quiet=True)


def has_solvers() -> bool:
    cv2 = pytest.importorskip("cv2")
    return hasattr(cv2, "calibrateHandEye")


def seven(T: FloatArray) -> list[float]:
    return np.concatenate(to_pos_quat(T)).tolist()


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    """Twelve standstills without noise, and a thirteenth whose image was mixed up."""
    rng = np.random.default_rng(0)
    rows = []
    for number in range(13):
        turn = Rotation.from_euler("x", np.pi) * Rotation.from_rotvec(0.4 * rng.normal(size=3))
        T = transform(turn, [0.45, 0.0, 0.4] + rng.uniform(-0.1, 0.1, 3))
        noise = transform(Rotation.from_rotvec(1e-3 * rng.normal(size=3)), 3e-4 * rng.normal(size=3))
        seen = invert(T @ CAMERA_IN_HAND) @ BOARD @ noise
        if number == 12:
            seen[:3, 3] += 0.03
        rows.append({"name": f"take {number}", "T_base_gripper": seven(T), "T_camera_board": seven(seen)})
    path = tmp_path / "samples.json"
    path.write_text(json.dumps({"setup": "eye-in-hand", "samples": rows}))
    return path


def test_a_camera_on_the_hand(samples: Path, tmp_path: Path) -> None:
    if not has_solvers():
        pytest.skip("OpenCV without hand-eye solvers")
    output = tmp_path / "out"
    results = Calibrate(samples=samples, output=output).run(QUIET)
    assert results["used"] == 12 and results["outliers"] == ["take 12"]
    np.testing.assert_allclose(results["xyz_m"], CAMERA_IN_HAND[:3, 3], atol=1e-3)
    assert results["rms_mm"] < 1.0 and results["spread_mm"] < 1.5 and results["park_mm"] > results["rms_mm"]
    assert "--frame-id panda_hand --child-frame-id camera_color_optical_frame" in results["static_transform"]
    read = yaml.safe_load((output / "calibration.yaml").read_text())["camera_transform"]
    np.testing.assert_allclose(from_pos_quat(read["xyz_m"], read["quat_xyzw"]), CAMERA_IN_HAND, atol=3e-3)
    whole = json.loads((output / "calibration.json").read_text())
    assert [row["name"] for row in whole["samples"] if row["left_out"]] == ["take 12"]
    for key, value in whole["camera_transform"].items():
        assert value == (pytest.approx(read[key], abs=1e-6) if isinstance(value, list) else read[key])
    assert len(whole["solvers"]) == 7 and whole["setup"] == "eye-in-hand"
    with Image.open(output / "calibration.png") as picture:
        assert picture.width > 1000
        assert np.asarray(picture.convert("L")).std() > 10.0


def test_the_root_of_a_drivers_frames(samples: Path, tmp_path: Path) -> None:
    """The driver publishes camera_link -> optical itself, so camera_link is what must be placed."""
    if not has_solvers():
        pytest.skip("OpenCV without hand-eye solvers")
    T_root_camera = transform(Rotation.from_quat([-0.5, 0.5, -0.5, 0.5]), (0.0, 0.015, 0.0))
    command = Calibrate(
        samples=samples, output=tmp_path / "out", root_to_camera=tuple(seven(T_root_camera)), parent_frame="tool0"
    )
    assert "--frame-id tool0 --child-frame-id camera_link" in command.run(QUIET)["static_transform"]
    read = yaml.safe_load((tmp_path / "out" / "calibration.yaml").read_text())["camera_transform"]
    T_tool_root = from_pos_quat(read["xyz_m"], read["quat_xyzw"])
    np.testing.assert_allclose(T_tool_root @ T_root_camera, CAMERA_IN_HAND, atol=3e-3)
    with pytest.raises(InputError, match="--root-to-camera"):
        Calibrate(samples=samples, root_to_camera=(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0))


def test_frames_that_the_file_tells(samples: Path, tmp_path: Path) -> None:
    if not has_solvers():
        pytest.skip("OpenCV without hand-eye solvers")
    told = {"base_frame": "base_link", "gripper_frame": "tool0", "camera_frame": "left_optical"}
    samples.write_text(json.dumps({**json.loads(samples.read_text()), **told}))
    results = Calibrate(samples=samples, output=tmp_path / "out").run(QUIET)
    assert "--frame-id tool0 --child-frame-id left_optical" in results["static_transform"]
    root = {"root_frame": "left_link", "T_root_camera": [0.0, 0.0, 0.1, 0.0, 0.0, 0.0, 1.0]}
    samples.write_text(json.dumps({**json.loads(samples.read_text()), **root}))
    results = Calibrate(samples=samples, output=tmp_path / "out", parent_frame="mine").run(QUIET)
    assert "--frame-id mine --child-frame-id left_link" in results["static_transform"]
    read = yaml.safe_load((tmp_path / "out" / "calibration.yaml").read_text())["camera_transform"]
    expected = CAMERA_IN_HAND @ transform(translation=(0.0, 0.0, -0.1))
    np.testing.assert_allclose(from_pos_quat(read["xyz_m"], read["quat_xyzw"]), expected, atol=3e-3)


def test_tips_need_no_opencv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "cv2", None)
    rng = np.random.default_rng(0)
    known = rng.uniform(-0.2, 0.2, (10, 3)) + [0.5, 0.0, 0.3]
    np.savez(tmp_path / "tips.npz", point_base=known, point_camera=known + [0.0, 0.0, 1.0])
    results = Calibrate(samples=tmp_path / "tips.npz", output=tmp_path / "out").run(QUIET)
    np.testing.assert_allclose(results["xyz_m"], [0.0, 0.0, -1.0], atol=1e-9)
    assert "--frame-id panda_link0" in results["static_transform"]


def test_an_opencv_without_the_solvers(samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modules = __import__("sys").modules
    monkeypatch.setitem(modules, "cv2", SimpleNamespace(__version__="5.0.0"))
    with pytest.raises(InputError, match=r"got OpenCV 5\.0\.0 without calibrateHandEye; pip install 'graspmimic"):
        Calibrate(samples=samples, output=tmp_path / "out").run(QUIET)
    monkeypatch.setitem(modules, "cv2", None)
    with pytest.raises(InputError, match="got none installed; pip install"):
        Calibrate(samples=samples, output=tmp_path / "out").run(QUIET)
