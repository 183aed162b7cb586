"""GraspNet-format labels against boxes, spheres and cylinders in closed form, and the files they are kept in."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import trimesh
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from envs.grasp_ap import ContactCaster, TrueObject, TrueScene, judge_grasps, surface_points
from envs.grasp_labels.graspnet_files import (
    LabelWriter,
    claim_label_folder,
    label_path,
    read_labels,
    write_labels,
)
from envs.grasp_labels.graspnet_grid import ANGLES_RAD, DEPTHS_M, rotations, views
from envs.grasp_labels.graspnet_labels import GraspNetLabels, LabelConfig, label_object, spread_points
from envs.grasp_labels.opening import LabelGripper, least_openings
from envs.objects import load_objects
from geometry import InputError
from graspmimic.__main__ import main
from perception.grasping import from_graspnet

BOX_M = np.array([0.04, 0.05, 0.06])
SMALL = LabelConfig(points=3)


def test_views_are_graspnets() -> None:
    """Worked out by hand from the formula for the first, the second and the last of 300."""
    found = views()
    assert found[0] == pytest.approx([np.sqrt(1 - (299 / 300) ** 2), 0.0, -299 / 300])
    turn, z = 2 * np.pi * 0.6180339887498949, 3 / 300 - 1
    assert found[1] == pytest.approx([np.sqrt(1 - z * z) * np.cos(turn), np.sqrt(1 - z * z) * np.sin(turn), z])
    assert found[299, 2] == pytest.approx(299 / 300)
    assert np.linalg.norm(found, axis=1) == pytest.approx(1.0)


@pytest.mark.parametrize(("view", "angle"), [(0, 0), (17, 3), (150, 6), (299, 11)])
def test_rotations_are_graspnets(view: int, angle: int) -> None:
    """R = [x, (-x1, x0, 0)/n, x cross y] @ Rx(angle) with x = -view, by SciPy's Rx."""
    x = -views()[view]
    y = np.array([-x[1], x[0], 0.0]) / np.hypot(x[0], x[1])
    expected = np.stack([x, y, np.cross(x, y)], axis=-1) @ Rotation.from_euler("x", angle * np.pi / 12).as_matrix()
    assert rotations()[view, angle] == pytest.approx(expected)


@pytest.fixture(scope="module")
def box_labels() -> GraspNetLabels:
    """Three points of a box: the middle of a side, off the middle of the top, near an edge of the bottom."""
    points = np.array([[0.02, 0.0, 0.0], [0.006, -0.004, 0.03], [0.0, 0.022, -0.03]])
    return label_object(trimesh.creation.box(BOX_M), SMALL, points).labels


def test_the_arrays_are_graspnets(box_labels: GraspNetLabels) -> None:
    shape = (3, 300, 12, 4)
    assert box_labels.points.shape == (3, 3) and box_labels.points.dtype == np.float32
    assert box_labels.offsets.shape == (*shape, 3) and box_labels.offsets.dtype == np.float32
    assert box_labels.scores.shape == shape and box_labels.scores.dtype == np.float32
    assert box_labels.collision.shape == shape and box_labels.collision.dtype == np.bool_
    assert np.all(box_labels.offsets[..., 0] == ANGLES_RAD.astype(np.float32)[:, None])
    assert np.all(box_labels.offsets[..., 1] == np.float32(DEPTHS_M))
    steps = np.unique(box_labels.scores)
    assert steps == pytest.approx(np.r_[-1.0, 0.1 * np.arange(1, 11)])


def slab_friction(tips: np.ndarray, closings: np.ndarray) -> np.ndarray:
    """Least friction at the two faces where each line enters and leaves the box; inf where it misses."""
    with np.errstate(divide="ignore", invalid="ignore"):
        one, two = (-0.5 * BOX_M - tips) / closings, (0.5 * BOX_M - tips) / closings
    enter, leave = np.minimum(one, two), np.maximum(one, two)
    cosines = [
        np.abs(np.take_along_axis(closings, side[:, None], axis=1)[:, 0])
        for side in (np.argmax(enter, axis=1), np.argmin(leave, axis=1))
    ]
    friction = np.tan(np.arccos(np.minimum(*cosines)))
    return np.where(enter.max(axis=1) < leave.min(axis=1), friction, np.inf)


def grid_of(labels: GraspNetLabels) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tips (N, 3), rotations (N, 3, 3) and depths (N,) of every label, flat."""
    shape = labels.scores.shape
    turned = np.broadcast_to(rotations()[None, :, :, None], (*shape, 3, 3)).reshape(-1, 3, 3)
    depth = np.broadcast_to(DEPTHS_M, shape).reshape(-1)
    point = np.broadcast_to(labels.points[:, None, None, None], (*shape, 3)).reshape(-1, 3)
    return point + depth[:, None] * turned[:, :, 0], turned, depth


def test_friction_of_a_box_in_closed_form(box_labels: GraspNetLabels) -> None:
    tips, turned, _ = grid_of(box_labels)
    needed = slab_friction(tips, turned[:, :, 1])
    score, collision = box_labels.scores.ravel(), box_labels.collision.ravel()
    tenths = 10 * np.minimum(needed, 1e6)
    clear = ~collision & (np.abs(tenths - np.round(tenths)) > 0.01) | (needed > 1e6)
    expected = np.where(needed < 1.0, np.ceil(needed * 10) / 10, -1.0)
    assert np.count_nonzero(score[clear] > 0) > 2000
    assert score[clear] == pytest.approx(expected[clear], abs=1e-5)
    assert np.all(score[needed > 1.001] == -1.0)


def hand_points(rotation: np.ndarray, point: np.ndarray, depth: float, width: float) -> np.ndarray:
    """Points that fill fingers and palm of the open hand, each 1 mm or less inside its faces, in the object's frame."""
    inner, outer = 0.5 * width, 0.5 * width + 0.01
    boxes = [
        ([-0.02, inner, -0.01], [depth, outer, 0.01]),
        ([-0.02, -outer, -0.01], [depth, -inner, 0.01]),
        ([-0.03, -outer, -0.01], [-0.02, outer, 0.01]),
    ]
    filled = []
    for low, high in boxes:
        axes = [np.arange(a + 5e-4, b, 2e-3) for a, b in zip(low, high, strict=True)]
        filled.append(np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3))
    return point + np.concatenate(filled) @ rotation.T


def test_hands_are_clear_of_a_box_where_the_labels_say_so(box_labels: GraspNetLabels) -> None:
    """A hand that is called clear has no point more than 1 mm inside the box; of the others most have."""
    tips, turned, depth = grid_of(box_labels)
    width = box_labels.offsets[..., 2].ravel()
    point = tips - depth[:, None] * turned[:, :, 0]
    rng = np.random.default_rng(5)
    share = {}
    for collides in (False, True):
        which = np.flatnonzero((width > 0) & (box_labels.collision.ravel() == collides))
        chosen = rng.choice(which, 300, replace=False)
        hands = (hand_points(turned[i], point[i], depth[i], width[i]) for i in chosen)
        share[collides] = np.mean([np.any(np.all(np.abs(hand) < 0.5 * BOX_M - 0.001, axis=1)) for hand in hands])
    assert share[False] < 0.02 and share[True] > 0.8


def test_the_width_is_the_least_that_clears_the_box(box_labels: GraspNetLabels) -> None:
    """Where both fingers fit: 2 mm of room each beside the widest point of the box between the fingers' planes."""
    tips, turned, depth = grid_of(box_labels)
    width = box_labels.offsets[..., 2].ravel()
    fine = trimesh.sample.sample_surface(trimesh.creation.box(BOX_M), 60000, seed=1)[0]
    rng = np.random.default_rng(6)
    which = np.flatnonzero((box_labels.scores.ravel() > 0) & ~box_labels.collision.ravel())
    error = []
    for i in rng.choice(which, 200, replace=False):
        local = (fine - (tips[i] - depth[i] * turned[i, :, 0])) @ turned[i]
        between = (np.abs(local[:, 2]) < 0.01) & (local[:, 0] > -0.02) & (local[:, 0] < depth[i])
        error.append(0.5 * width[i] - np.abs(local[between, 1]).max())
    assert np.percentile(error, 2) > 0.0 and np.median(error) == pytest.approx(0.0025, abs=0.0006)
    assert np.mean(np.array(error) < 0.0045) > 0.95


def test_a_sphere_in_closed_form() -> None:
    """A line at distance h from the middle of a sphere needs tan(asin(h / r))."""
    radius = 0.025
    sphere = trimesh.creation.icosphere(subdivisions=6, radius=radius)
    labels = label_object(sphere, SMALL, [[0.0, 0.0, radius], [radius, 0.0, 0.0]]).labels
    tips, turned, _ = grid_of(labels)
    away = np.linalg.norm(np.cross(tips, turned[:, :, 1]), axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        needed = np.where(away < radius, away / np.sqrt(np.maximum(radius**2 - away**2, 1e-12)), np.inf)
    held = (labels.scores.ravel() > 0) & ~labels.collision.ravel()
    assert held.sum() > 2000
    assert labels.scores.ravel()[held] == pytest.approx(needed[held] + 0.05, abs=0.08)
    assert np.all(labels.scores.ravel()[needed > 1.1] == -1.0)


def test_an_upright_rod_from_above_by_hand() -> None:
    """The top of a rod of 2 cm, approached 4.68 degrees off straight down along -x, closing along y.

    sin = sqrt(1 - (299/300)^2) = 0.0816. At depth d the line passes the axis at 0.0816 d, so that the friction is
    tan(asin(0.0816 d / 0.01)): 0.08, 0.16, 0.25, 0.34. The fingers open to 2 * (10 + 2 mm), up to 2 mm more.
    """
    rod = trimesh.creation.cylinder(0.01, 0.12, sections=256)
    labels = label_object(rod, SMALL, [[0.0, 0.0, 0.06]]).labels
    level = int(np.argmax(views()[:, 2]))
    assert level == 299
    assert labels.scores[0, 299, 0] == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert not labels.collision[0, 299, 0].any()
    width = labels.offsets[0, 299, 0, :, 2]
    assert np.all(width >= 0.024 - 1e-6) and np.all(width <= 0.026 + 1e-6)


def test_the_rim_of_a_cup_is_gripped_with_one_finger_inside() -> None:
    """A wall of 4 mm: opening 4 mm + 2 * 2 mm and a bit each; across the cup, 80 mm + 4 mm."""
    tube = trimesh.creation.annulus(r_min=0.036, r_max=0.04, height=0.1, sections=128)
    labels = label_object(tube, SMALL, [[0.038, 0.0, 0.05]]).labels
    radial = np.argmax(np.abs(rotations()[299, :, 0, 1]))
    assert labels.scores[0, 299, radial, 1] > 0 and not labels.collision[0, 299, radial, 1]
    assert 0.008 - 1e-6 <= labels.offsets[0, 299, radial, 1, 2] <= 0.016


def test_labels_pass_the_judge_of_average_precision() -> None:
    """Rows made from labels as GraspNet's own loader makes them, judged by the other room on the same object."""
    mesh = trimesh.creation.cylinder(0.025, 0.1, sections=64)
    labels = label_object(mesh, LabelConfig(points=6)).labels
    good = np.argwhere((labels.scores > 0) & ~labels.collision & (labels.scores < 0.95))
    chosen = good[np.random.default_rng(2).choice(len(good), 300, replace=False)]
    index = tuple(chosen.T)
    rows = np.zeros((len(chosen), 17))
    rows[:, 0], rows[:, 1], rows[:, 2] = 1.1 - labels.scores[index], labels.offsets[index][:, 2], 0.02
    rows[:, 3] = labels.offsets[index][:, 1]
    rows[:, 4:13] = rotations()[chosen[:, 1], chosen[:, 2]].reshape(-1, 9)
    rows[:, 13:16] = labels.points[chosen[:, 0]]
    grasps = from_graspnet(rows)
    scene = TrueScene((TrueObject(surface_points(mesh), ContactCaster(mesh), np.eye(4)),), np.zeros((0, 3)))
    for one in grasps[:60]:
        i = int(np.flatnonzero(np.all(grasps.poses == one.poses[0], axis=(1, 2)))[0])
        judged = judge_grasps(scene, one.poses, one.widths_m, one.scores, rows[i : i + 1, 3])
        assert not judged.collided[0]
        if not judged.empty[0]:
            assert np.ceil(judged.frictions[0] * 10 - 1e-3) / 10 == pytest.approx(1.1 - one.scores[0], abs=0.101)


def test_the_least_opening_by_hand() -> None:
    """Points 5.5 and 31.5 mm from the middle: fingers of 1 cm fit between them at 6 + 2 mm on either side."""
    rotation = np.eye(3, dtype=np.float32)[None]
    points = np.array([[0.005, 0.0055, 0.0], [0.005, -0.0315, 0.0]], dtype=np.float32)
    found = least_openings(rotation, points, LabelGripper())
    assert found.width_m[0] == pytest.approx(0.016) and found.free.all() and not found.palm_hits.any()
    closer = np.concatenate([points, [[0.005, 0.0165, 0.0]]]).astype(np.float32)
    assert least_openings(rotation, closer, LabelGripper()).width_m[0] == pytest.approx(2 * 0.019)
    deep = np.array([[0.025, 0.0055, 0.0]], dtype=np.float32)
    assert least_openings(rotation, deep, LabelGripper()).width_m[0] == pytest.approx([0.006, 0.006, 0.016, 0.016])
    behind = np.array([[-0.025, 0.004, 0.0]], dtype=np.float32)
    assert least_openings(rotation, behind, LabelGripper()).palm_hits.all()
    full = np.stack([np.full(60, 0.005), np.arange(60) / 1000 + 5e-4, np.zeros(60)], axis=-1).astype(np.float32)
    none = least_openings(rotation, full, LabelGripper())
    assert not none.free.any() and none.width_m[0] == pytest.approx(0.1)


def test_spread_points_lie_on_the_surface_far_apart() -> None:
    sphere = trimesh.creation.icosphere(subdivisions=4, radius=0.05)
    points = spread_points(sphere, 100)
    assert np.linalg.norm(points, axis=1) == pytest.approx(0.05, abs=1e-3)
    nearest = cKDTree(points).query(points, k=2)[0][:, 1]
    assert nearest.min() > 0.6 * np.sqrt(sphere.area / 100)
    assert np.array_equal(points, spread_points(sphere, 100))


def test_files_hold_plain_arrays_and_appear_whole(tmp_path: Path, box_labels: GraspNetLabels) -> None:
    path = label_path(tmp_path, 7)
    assert path.name == "007_labels.npz"
    write_labels(path, box_labels)
    with np.load(path, allow_pickle=False) as file:
        assert sorted(file.files) == ["collision", "offsets", "points", "scores"]
    for wrote, read in zip(box_labels, read_labels(path), strict=True):
        assert np.array_equal(wrote, read)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(InputError, match="npz file"):
        read_labels(path)


def test_a_folder_goes_on_where_it_was_and_refuses_others(tmp_path: Path) -> None:
    objects = load_objects("procedural", limit=3)
    assert claim_label_folder(tmp_path, objects, SMALL) == (0, 1, 2)
    report = LabelWriter(tmp_path, objects, SMALL, (1,))(seed=0, round_index=0)
    assert (report.number, report.name, report.grasps) == (1, objects[1].name, 3 * 14400)
    assert claim_label_folder(tmp_path, objects, SMALL) == (0, 2)
    label_path(tmp_path, 1).write_bytes(b"half a file")
    assert claim_label_folder(tmp_path, objects, SMALL) == (0, 1, 2)
    with pytest.raises(InputError, match="config"):
        claim_label_folder(tmp_path, objects, LabelConfig(points=4))
    with pytest.raises(InputError, match="objects"):
        claim_label_folder(tmp_path, load_objects("procedural", limit=2), SMALL)
    (tmp_path / "objects.json").unlink()
    with pytest.raises(InputError, match="label files without it"):
        claim_label_folder(tmp_path, objects, SMALL)


def test_bad_grippers_are_refused() -> None:
    with pytest.raises(InputError, match="longer than 0.04"):
        LabelGripper(finger_length_m=0.03)
    with pytest.raises(InputError, match="above 0"):
        LabelGripper(max_width_m=0.0)
    with pytest.raises(InputError, match="at least 1"):
        LabelConfig(points=0)


def test_the_command_labels_a_folder_of_meshes_in_millimetres(tmp_path: Path) -> None:
    meshes, out, result = tmp_path / "meshes", tmp_path / "out", tmp_path / "result.json"
    meshes.mkdir()
    trimesh.creation.box((40, 50, 60)).export(meshes / "brick.stl")
    trimesh.creation.cylinder(20, 80).export(meshes / "can.ply")
    words = ["generate", "labels", "--objects", str(meshes), "--object-scale", "0.001", "--points", "2"]
    words += ["--processes", "1", "--output", str(out), "--json", str(result)]
    assert main(words) == 0
    first = json.loads(result.read_text(), parse_constant=pytest.fail)["results"]
    assert (first["objects"], first["labelled"], first["grasps"]) == (2, 2, 2 * 2 * 14400)
    assert first["share_good"] > 0.01 and first["grasps_per_second"] > 0
    names = json.loads((out / "objects.json").read_text())["objects"]
    assert [(entry["number"], entry["name"], entry["file"]) for entry in names] == [
        (0, "brick", "000_labels.npz"),
        (1, "can", "001_labels.npz"),
    ]
    labels = read_labels(out / "000_labels.npz")
    assert np.abs(labels.points).max(axis=0) == pytest.approx([0.02, 0.025, 0.03], abs=0.02)
    assert zipfile.is_zipfile(out / "001_labels.npz")
    assert main(words) == 0
    again = json.loads(result.read_text(), parse_constant=pytest.fail)["results"]
    assert (again["labelled"], again["kept"]) == (0, 2)
