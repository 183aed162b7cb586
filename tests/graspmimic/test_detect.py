"""`graspmimic detect` from files to files: an analytic desk, real frames, determinism, the live view."""

from __future__ import annotations

import json

import imageio.v3 as iio
import numpy as np
import pytest
import torch

from geometry import transform_points
from graspmimic.__main__ import main
from perception.frames import read_intrinsics
from perception.grasping import load_graspnet
from perception.grasping.network import GraspNetwork

FILES = ("grasps.npy", "grasps.json", "grasps.png")


@pytest.fixture
def desk_files(tmp_path, desk_frame):
    """Arguments that name the desk's depth image and camera."""
    camera = desk_frame.camera
    iio.imwrite(tmp_path / "depth.png", np.rint(desk_frame.depth_m * 1000).astype(np.uint16))
    intrinsics = {"width": camera.width, "height": camera.height, "K": camera.K.tolist()}
    (tmp_path / "camera.json").write_text(json.dumps(intrinsics))
    return ["--depth", str(tmp_path / "depth.png"), "--camera", str(tmp_path / "camera.json")]


def detect(tmp_path, *options):
    """Run the command; its results, and its grasps."""
    out = tmp_path / "out"
    status = main(["detect", *map(str, options), "--output", str(out), "--json", str(tmp_path / "result.json")])
    assert status == 0
    assert {path.name for path in out.iterdir()} == set(FILES)
    return json.loads((tmp_path / "result.json").read_text())["results"], load_graspnet(out / "grasps.npy")


def gaps_to_boxes(frame, positions_camera):
    """(N,) distance of points to the nearest box of the desk, metres."""
    points = transform_points(frame.T_desk_camera, positions_camera)
    gaps = [np.linalg.norm(points - np.clip(points, low, high), axis=1) for low, high in frame.boxes]
    return np.min(gaps, axis=0)


@pytest.mark.parametrize("planner", ["antipodal", "topdown"])
def test_grasps_hold_the_boxes(tmp_path, desk_frame, desk_files, planner):
    results, grasps = detect(tmp_path, *desk_files, "--planner", planner)
    assert results["grasps"] == len(grasps) > 0
    assert results["best_score"] == pytest.approx(grasps.scores.max())
    assert results["time_ms"] > 0.0 and results["table_found"] and results["depth_scale"] == 1000.0
    assert gaps_to_boxes(desk_frame, grasps.positions).max() < 0.015
    heights = transform_points(desk_frame.T_desk_camera, grasps.positions)[:, 2]
    assert heights.min() > 0.0


def test_json_holds_the_same_grasps_as_npy(tmp_path, desk_files):
    _, grasps = detect(tmp_path, *desk_files, "--top-k", 7)
    content = json.loads((tmp_path / "out" / "grasps.json").read_text())
    assert content["frame"] == "camera" and len(content["grasps"]) == len(grasps) == 7
    for row, position, width, score in zip(
        content["grasps"], grasps.positions, grasps.widths_m, grasps.scores, strict=True
    ):
        np.testing.assert_allclose(row["position_m"], position, atol=1e-9)
        assert (row["width_m"], row["score"]) == (pytest.approx(width), pytest.approx(score))
    normal = np.array(content["table"]["normal"])
    assert np.linalg.norm(normal) == pytest.approx(1.0) and normal[1] < -0.5


def test_picture_can_be_looked_at(tmp_path, desk_files):
    detect(tmp_path, *desk_files)
    picture = iio.imread(tmp_path / "out" / "grasps.png")
    assert picture.shape[0] > 500 and picture.shape[1] > 1500


def test_same_seed_same_bytes(tmp_path, desk_files):
    detect(tmp_path, *desk_files, "--seed", 3)
    first = (tmp_path / "out" / "grasps.npy").read_bytes()
    detect(tmp_path, *desk_files, "--seed", 3)
    assert (tmp_path / "out" / "grasps.npy").read_bytes() == first


def test_intrinsics_by_numbers_and_by_yaml_agree_with_json(tmp_path, desk_frame, desk_files):
    detect(tmp_path, *desk_files)
    first = (tmp_path / "out" / "grasps.npy").read_bytes()
    camera = desk_frame.camera
    numbers = [f"--{name}={getattr(camera, name)}" for name in ("fx", "fy", "cx", "cy")]
    detect(tmp_path, *desk_files[:2], *numbers)
    assert (tmp_path / "out" / "grasps.npy").read_bytes() == first
    k = ", ".join(str(v) for v in camera.K.reshape(-1))
    (tmp_path / "c.yaml").write_text(f"width: {camera.width}\nheight: {camera.height}\nk: [{k}]\n")
    detect(tmp_path, *desk_files[:2], "--camera", tmp_path / "c.yaml")
    assert (tmp_path / "out" / "grasps.npy").read_bytes() == first
    assert read_intrinsics(tmp_path / "c.yaml").camera == camera


def test_mask_chooses_the_box(tmp_path, desk_frame, desk_files):
    mask = np.zeros(desk_frame.depth_m.shape, dtype=np.uint8)
    mask[:, 160:] = 255
    iio.imwrite(tmp_path / "mask.png", mask)
    _, grasps = detect(tmp_path, *desk_files, "--mask", tmp_path / "mask.png")
    assert len(grasps) and (transform_points(desk_frame.T_desk_camera, grasps.positions)[:, 0] > 0.0).all()


@pytest.mark.parametrize("kind", ["pixel", "point", "box"])
def test_a_target_chooses_the_box(tmp_path, desk_frame, desk_files, kind):
    low, high = desk_frame.boxes[1]
    top = transform_points(np.linalg.inv(desk_frame.T_desk_camera), np.array([[*(0.5 * (low + high))[:2], high[2]]]))
    column, row = np.rint(desk_frame.camera.project(top)[0]).astype(int)
    options = {
        "pixel": ("--target-point", column, row),
        "point": ("--target-point", *top[0]),
        "box": ("--target-box", column - 15, row - 15, column + 15, row + 15),
    }[kind]
    _, grasps = detect(tmp_path, *desk_files, *options)
    assert len(grasps) and (transform_points(desk_frame.T_desk_camera, grasps.positions)[:, 0] > 0.0).all()


def test_a_cloud_takes_a_target_point(tmp_path, desk_frame):
    points = desk_frame.camera.unproject(desk_frame.depth_m)
    np.savez(tmp_path / "cloud.npz", points=points[np.isfinite(points[..., 2])])
    target = transform_points(np.linalg.inv(desk_frame.T_desk_camera), np.array([[0.06, -0.015, 0.06]]))[0]
    _, grasps = detect(tmp_path, "--cloud", tmp_path / "cloud.npz", "--target-point", *target)
    assert len(grasps) and (transform_points(desk_frame.T_desk_camera, grasps.positions)[:, 0] > 0.0).all()


def test_grasps_come_from_within_the_cone(tmp_path, desk_frame, desk_files):
    def angles(grasps, direction):
        return np.degrees(np.arccos(np.clip(grasps.approaches @ direction, -1.0, 1.0)))

    down = -desk_frame.T_desk_camera[:3, :3].T[:, 2]
    _, grasps = detect(tmp_path, *desk_files, "--approach-cone-deg", 25)
    assert len(grasps) and angles(grasps, down).max() < 25.5
    _, grasps = detect(tmp_path, *desk_files, "--approach-cone-deg", 35, "--approach", 0, 0, 1)
    assert len(grasps) and angles(grasps, np.array([0.0, 0.0, 1.0])).max() < 35.01


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--target-point", 1), "--target-point"),
        (("--target-point", 1000, 3), "--target-point"),
        (("--target-box", 10, 10, 5, 20), "--target-box"),
        (("--target-box", 1000, 10, 1005, 20), "--target-box"),
        (("--target-box", 0, 0, 5, 20, "--target-point", 4, 4), "one of --mask, --target-box and --target-point"),
        (("--approach-cone-deg", 0), "--approach-cone-deg"),
        (("--approach", 0, 0, 1), "--approach"),
        (("--planner", "antipodal", "--weights", "x.safetensors"), "--planner network"),
    ],
)
def test_wishes_that_make_no_sense(tmp_path, desk_files, options, said, capsys):
    assert main(["detect", *map(str, (*desk_files, *options)), "--output", str(tmp_path / "out")]) == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_the_network_takes_the_same_wishes(tmp_path, desk_frame, desk_files):
    torch.manual_seed(0)
    weights = tmp_path / "random.safetensors"
    GraspNetwork().save(weights, {"made": "by a test"})
    network = ("--planner", "network", "--weights", weights)
    results, grasps = detect(tmp_path, *desk_files, *network)
    assert results["grasps"] == len(grasps)
    _, grasps = detect(tmp_path, *desk_files, *network, "--approach-cone-deg", 180, "--target-box", 160, 0, 320, 240)
    assert (transform_points(desk_frame.T_desk_camera, grasps.positions)[:, 0] > 0.0).all()


def test_cloud_gives_grasps_in_its_own_frame(tmp_path, desk_frame):
    points = desk_frame.camera.unproject(desk_frame.depth_m)
    np.savez(tmp_path / "cloud.npz", points=points[np.isfinite(points[..., 2])])
    _, grasps = detect(tmp_path, "--cloud", tmp_path / "cloud.npz")
    assert len(grasps) and gaps_to_boxes(desk_frame, grasps.positions).max() < 0.015


def test_cloud_in_a_world_frame_with_its_viewpoint(tmp_path, desk_frame):
    points = desk_frame.camera.unproject(desk_frame.depth_m)
    points = transform_points(desk_frame.T_desk_camera, points[np.isfinite(points[..., 2])])
    np.save(tmp_path / "cloud.npy", points)
    eye = desk_frame.T_desk_camera[:3, 3]
    _, grasps = detect(tmp_path, "--cloud", tmp_path / "cloud.npy", "--viewpoint", *eye)
    assert json.loads((tmp_path / "out" / "grasps.json").read_text())["frame"] == "cloud"
    T_camera_desk = np.linalg.inv(desk_frame.T_desk_camera)
    assert len(grasps) and gaps_to_boxes(desk_frame, transform_points(T_camera_desk, grasps.positions)).max() < 0.015


def test_live_view_into_a_file(tmp_path, desk_files):
    pytest.importorskip("rerun")
    detect(tmp_path, *desk_files, "--view", tmp_path / "scene.rrd")
    assert (tmp_path / "scene.rrd").stat().st_size > 10_000


REAL = "real_rgbd/PoseCNN/data/demo_images"


@pytest.mark.parametrize("frame, background_m", [("000001", 1.15), ("000003", 1.2), ("000005", 1.15)])
def test_real_frames_give_grasps_on_what_stands_on_the_table(tmp_path, shared_data, frame, background_m):
    files = shared_data / REAL
    if not files.is_dir():
        pytest.skip(f"no folder {files}")
    k = ["--fx=1066.778", "--fy=1067.487", "--cx=312.987", "--cy=241.311"]
    results, grasps = detect(
        tmp_path, "--depth", files / f"{frame}-depth.png", "--color", files / f"{frame}-color.png", *k
    )
    assert results["depth_scale"] == 10000.0 and results["table_found"]
    table = json.loads((tmp_path / "out" / "grasps.json").read_text())["table"]
    heights = grasps.positions @ table["normal"] - table["offset_m"]
    assert len(grasps) >= 20 and heights.min() > 0.0 and heights.max() < 0.35
    assert grasps.positions[:20, 2].max() < background_m  # farther down the list the network tries the box behind
