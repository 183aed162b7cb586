"""Lifting against a ray-cast person: the depth camera's faults are put in, so every joint's true depth is known."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from geometry import FloatArray, InputError, PinholeCamera
from perception.frames import read_depth
from perception.pose import Hand, Person, PoseFrame
from perception.pose.lifting import HAND_LIFT, LiftConfig, lift, lift_frame
from perception.pose.lifting.depth_layers import DepthLayers
from perception.pose.lifting.half_thickness import half_thickness, stature_m
from perception.pose.lifting.layer_choice import choose_layers
from perception.pose.skeletons import BODY18, COCO17, HAND21, Skeleton

CAMERA = PinholeCamera(width=640, height=480, fx=600.0, fy=600.0, cx=319.5, cy=239.5)
ARM = Skeleton(
    name="arm",
    joints=("shoulder", "elbow", "wrist"),
    bones=(("shoulder", "elbow"), ("elbow", "wrist")),
)
RADIUS_M, WALL_M = 0.045, 3.0


def capsule_depth(rays: FloatArray, start: FloatArray, end: FloatArray, radius: float) -> FloatArray:
    """Depth along z at which rays (z = 1) from the camera enter a capsule; infinite where they miss it."""
    norm = np.linalg.norm(rays, axis=-1)
    way = rays / norm[..., None]
    axis = end - start
    a = axis @ axis - (way @ axis) ** 2
    b = -(axis @ axis) * (way @ start) + (axis @ start) * (way @ axis)
    c = (axis @ axis) * (start @ start) - (axis @ start) ** 2 - radius**2 * (axis @ axis)
    with np.errstate(invalid="ignore", divide="ignore"):
        enter = (-b - np.sqrt(b * b - a * c)) / a
        along = -(axis @ start) + enter * (way @ axis)
        found = np.where((along > 0.0) & (along < axis @ axis), enter, np.inf)
        for end_point in (start, end):
            half = way @ end_point
            ball = half - np.sqrt(half**2 - end_point @ end_point + radius**2)
            found = np.fmin(found, np.where(ball > 0.0, ball, np.inf))
    return np.asarray(np.where(np.isfinite(found), found, np.inf) / norm)


class Scene(NamedTuple):
    """An arm before a wall."""

    joints: FloatArray
    depth_m: FloatArray

    @property
    def pixels(self) -> FloatArray:
        return CAMERA.project(self.joints)

    def on_skin(self) -> FloatArray:
        """(3, 3) where each joint's line of sight meets the arm."""
        rays = self.joints / self.joints[:, 2:]
        depth = np.minimum(*(capsule_depth(rays, self.joints[i], self.joints[i + 1], RADIUS_M) for i in range(2)))
        return np.asarray(rays * depth[:, None])


def arm_scene(joints: FloatArray, wall_m: float = WALL_M) -> Scene:
    depth = np.full((CAMERA.height, CAMERA.width), wall_m)
    for i in range(2):
        depth = np.minimum(depth, capsule_depth(CAMERA.rays(), joints[i], joints[i + 1], RADIUS_M))
    return Scene(joints, depth)


def random_arm(rng: np.random.Generator) -> Scene:
    shoulder = np.array([rng.uniform(-0.3, 0.3), rng.uniform(-0.3, 0.1), rng.uniform(1.2, 2.5)])
    joints = [shoulder]
    for length in (0.3, 0.26):
        way = rng.normal(size=3) * (1.0, 1.0, 0.7)
        joints.append(joints[-1] + length * way / np.linalg.norm(way))
    points = np.array(joints)
    return arm_scene(points, wall_m=float(points[:, 2].max() + rng.uniform(0.4, 1.5)))


def as_measured(depth_m: FloatArray, rng: np.random.Generator, *, holes: float = 0.1) -> FloatArray:
    """What a structured-light camera makes of it: mixed edges, a shadow beside each edge, noise, holes."""
    jump = np.abs(np.diff(depth_m, axis=1, append=depth_m[:, -1:])) > 0.05
    share = rng.uniform(size=depth_m.shape)
    out = np.where(jump, share * depth_m + (1.0 - share) * np.roll(depth_m, -1, axis=1), depth_m)
    for step in range(1, 9):
        beside = np.roll(depth_m, -step, axis=1)
        out[(depth_m - beside > 0.05) & (step <= 33.0 * (1.0 / beside - 1.0 / depth_m))] = 0.0
    noisy = out + rng.normal(size=out.shape) * (0.0012 + 0.0019 * (out - 0.4) ** 2)
    blobs = gaussian_filter(rng.normal(size=out.shape), 2.5)
    return np.where((out > 0.0) & (blobs < np.quantile(blobs, 1.0 - holes)), noisy, 0.0)


def nearest_return(pixels: FloatArray, depth_m: FloatArray) -> FloatArray:
    """The plain way: depth of the nearest pixel that has any."""
    rows, columns = np.nonzero(depth_m > 0.0)
    found = [int(np.argmin((columns - u) ** 2 + (rows - v) ** 2)) for u, v in pixels]
    return depth_m[rows[found], columns[found]]


def lift_arm(pixels: FloatArray, depth_m: FloatArray, **options: object) -> tuple[FloatArray, FloatArray]:
    options = {"config": LiftConfig(to_centers=False)} | options
    return lift(pixels, np.ones(3), depth_m, CAMERA, skeleton=ARM, **options)  # type: ignore[arg-type]


STRETCHED = np.array([[-0.3, 0.0, 1.5], [0.0, 0.0, 1.5], [0.26, 0.0, 1.5]])
"""An arm across the image, its skin at 1.455 m."""


def test_without_faults_joints_are_on_the_skin() -> None:
    scene = arm_scene(STRETCHED)
    points, scores = lift_arm(scene.pixels, scene.depth_m)
    np.testing.assert_allclose(points[:, 2], 1.5 - RADIUS_M, atol=0.003)
    np.testing.assert_allclose(CAMERA.project(points), scene.pixels, atol=1e-9)
    assert (scores == 1.0).all()


def errors_against_the_nearest_pixel(noise_px: float, scenes: int) -> tuple[FloatArray, FloatArray]:
    """Absolute errors in depth of `lift` and of the plain way, over joints in view."""
    rng = np.random.default_rng(0)
    ours, plain = [], []
    for _ in range(scenes):
        scene = random_arm(rng)
        depth, pixels = as_measured(scene.depth_m, rng), scene.pixels + noise_px * rng.normal(size=(3, 2))
        inside = ((scene.pixels > 8.0) & (scene.pixels < np.array([632.0, 472.0]))).all(axis=1)
        truth = scene.on_skin()[inside, 2]
        ours.append(np.abs(lift_arm(pixels, depth)[0][inside, 2] - truth))
        plain.append(np.abs(nearest_return(pixels, depth)[inside] - truth))
    return np.concatenate(ours), np.concatenate(plain)


def test_noise_of_the_depth_is_averaged_out() -> None:
    lifted, looked_up = errors_against_the_nearest_pixel(0.0, scenes=25)
    assert np.median(lifted) < 0.5 * np.median(looked_up)
    assert np.quantile(lifted, 0.95) < 0.5 * np.quantile(looked_up, 0.95)


def test_noise_of_the_pixels_seldom_ends_on_the_wall() -> None:
    lifted, looked_up = errors_against_the_nearest_pixel(6.0, scenes=40)
    given_up = np.isnan(lifted)
    assert given_up.mean() < 0.03
    assert np.quantile(lifted[~given_up], 0.95) < 0.75 * np.quantile(looked_up, 0.95)
    assert (lifted > 0.1).mean() < 0.5 * (looked_up > 0.1).mean()


def test_a_hole_at_the_joint_is_bridged() -> None:
    scene = arm_scene(STRETCHED)
    rows, columns = np.mgrid[:480, :640]
    u, v = scene.pixels[2]
    depth = np.where(np.hypot(columns - u, rows - v) < 6.0, 0.0, scene.depth_m)
    assert lift_arm(scene.pixels, depth)[0][2, 2] == pytest.approx(1.455, abs=0.01)


def test_a_pixel_beside_the_arm_still_finds_the_arm() -> None:
    """The arm's half width is 18 pixels. Where every joint is beside it, only known lengths tell arm from wall."""
    scene = arm_scene(STRETCHED)
    pixels = scene.pixels.copy()
    pixels[2, 1] += 20.0
    assert nearest_return(pixels, scene.depth_m)[2] == WALL_M
    assert lift_arm(pixels, scene.depth_m)[0][2, 2] == pytest.approx(1.49, abs=0.03)
    pixels[:, 1] = scene.pixels[:, 1] + 20.0
    known = lift_arm(pixels, scene.depth_m, bone_lengths_m=np.array([0.3, 0.26]))[0]
    np.testing.assert_allclose(known[:, 2], 1.49, atol=0.03)


def test_a_speck_is_no_layer() -> None:
    scene = arm_scene(STRETCHED)
    u, v = np.rint(scene.pixels[2]).astype(int)
    depth = scene.depth_m.copy()
    depth[v - 1 : v + 2, u - 1 : u + 2] = 1.2
    assert lift_arm(scene.pixels, depth)[0][2, 2] == pytest.approx(1.455, abs=0.01)


def test_a_joint_that_only_the_wall_offers_is_given_up() -> None:
    scene = arm_scene(STRETCHED)
    u, v = np.rint(scene.pixels[2]).astype(int)
    depth = scene.depth_m.copy()
    depth[v - 40 : v + 40, u - 40 : u + 60] = WALL_M
    points, scores = lift_arm(scene.pixels, depth)
    assert np.isnan(points[2]).all() and scores[2] == 0.0
    np.testing.assert_allclose(points[:2, 2], 1.455, atol=0.005)


def with_post(scene: Scene, depth_m: float) -> FloatArray:
    """A thin post in front of the wrist."""
    u = round(float(scene.pixels[2, 0]))
    depth = scene.depth_m.copy()
    depth[:, u - 2 : u + 3] = depth_m
    return depth


def test_a_post_far_in_front_of_a_joint_is_not_the_joint() -> None:
    scene = arm_scene(STRETCHED)
    assert lift_arm(scene.pixels, with_post(scene, 0.6))[0][2, 2] == pytest.approx(1.455, abs=0.01)


@pytest.mark.parametrize("knowledge", ["bone_lengths_m", "previous_m"])
def test_what_is_known_tells_a_near_post_from_the_joint(knowledge: str) -> None:
    scene = arm_scene(STRETCHED)
    depth = with_post(scene, 1.0)
    known = {"bone_lengths_m": np.array([np.nan, 0.26]), "previous_m": STRETCHED + (0.01, 0.02, -0.05)}[knowledge]
    assert lift_arm(scene.pixels, depth)[0][2, 2] == pytest.approx(1.0, abs=0.01)
    assert lift_arm(scene.pixels, depth, **{knowledge: known})[0][2, 2] == pytest.approx(1.455, abs=0.01)


def test_the_choice_is_the_best_of_all_choices() -> None:
    rng = np.random.default_rng(3)
    tree = np.array([(0, 1), (1, 2), (1, 3), (3, 4)])
    config = LiftConfig()
    for _ in range(20):
        points = rng.normal(size=(5, 3, 3)) * 0.5
        points[rng.uniform(size=(5, 3)) < 0.2] = np.nan
        off = np.where(np.isnan(points[..., 0]), np.inf, rng.uniform(0.0, 1.0, size=(5, 3)))
        chosen = choose_layers(DepthLayers(points, off), tree, None, None, config)
        costs = {pick: total_cost(pick, points, off, tree, config) for pick in itertools.product(range(4), repeat=5)}
        assert costs[tuple(int(c) for c in chosen)] == pytest.approx(min(costs.values()))


def total_cost(
    pick: tuple[int, ...], points: FloatArray, off: FloatArray, bones: FloatArray, config: LiftConfig
) -> float:
    """By the description: layers in front, distance from the pixel, bones longer than bones are."""
    total = 0.0
    for joint, layer in enumerate(pick):
        if layer == 3:
            total += config.given_up_cost
        elif np.isfinite(off[joint, layer]):
            total += config.behind_cost * layer + config.off_center_cost * off[joint, layer]
        else:
            return np.inf
    for start, end in bones:
        if pick[start] < 3 and pick[end] < 3:
            length = np.linalg.norm(points[start, pick[start]] - points[end, pick[end]]) / config.max_bone_m
            total += 0.3 * min(length, 1.0) + 2.0 * config.given_up_cost * np.clip((length - 1.0) / 0.2, 0.0, 1.0)
    return float(total)


def test_what_was_not_seen_is_not_lifted() -> None:
    scene = arm_scene(STRETCHED)
    pixels, scores = scene.pixels.copy(), np.array([1.0, 0.0, 0.7])
    pixels[0] = np.nan
    points, lifted = lift(pixels, scores, scene.depth_m, CAMERA, skeleton=ARM)
    assert np.isnan(points[:2]).all() and (lifted == [0.0, 0.0, 0.7]).all()
    pixels[:] = (-5.0, 700.0)
    points, lifted = lift(pixels, np.ones(3), scene.depth_m, CAMERA, skeleton=ARM)
    assert np.isnan(points).all() and (lifted == 0.0).all()


@pytest.mark.parametrize("nothing", [0.0, np.nan])
def test_an_empty_depth_image_lifts_nothing(nothing: float) -> None:
    points, scores = lift_arm(np.full((3, 2), 100.0), np.full((480, 640), nothing))
    assert np.isnan(points).all() and (scores == 0.0).all()


def test_sizes_that_do_not_go_together_are_refused() -> None:
    depth = np.ones((480, 640))
    with pytest.raises(InputError, match=r"\(480, 640\)"):
        lift_arm(np.zeros((3, 2)), np.ones((240, 320)))
    with pytest.raises(InputError, match=r"keypoints_px of shape \(3, 2\)"):
        lift_arm(np.zeros((17, 2)), depth)
    with pytest.raises(InputError, match="bone_lengths_m"):
        lift_arm(np.zeros((3, 2)), depth, bone_lengths_m=np.ones(5))
    with pytest.raises(InputError, match="LiftConfig"):
        LiftConfig(radius_m=-1.0)


def test_a_frame_is_lifted_with_its_hands() -> None:
    scene = arm_scene(STRETCHED)
    body = np.full((17, 2), np.nan)
    for row, joint in enumerate(("left_shoulder", "left_elbow", "left_wrist")):
        body[COCO17.index(joint)] = scene.pixels[row]
    hand = Hand(scores=np.full(21, 0.9), keypoints_px=scene.pixels[2] + np.linspace((0, 0), (10, 5), 21))
    person = Person(
        id=4, scores=np.isfinite(body[:, 0]).astype(float), keypoints_px=body, left_hand=hand, right_hand=None
    )
    frame = PoseFrame(time_s=0.5, skeleton=COCO17, persons=(person,))
    lifted = lift_frame(frame, scene.depth_m, CAMERA)
    (found,) = lifted.persons
    assert lifted.reference == "camera" and lifted.camera is CAMERA and found.id == 4 and found.right_hand is None
    assert found.keypoints_m is not None and found.left_hand is not None and found.left_hand.keypoints_m is not None
    assert np.isfinite(found.keypoints_m).all(axis=1).sum() == 3 == (found.scores > 0.0).sum()
    np.testing.assert_allclose(found.left_hand.keypoints_m[:, 2], 1.46, atol=0.02)
    again = lift_frame(frame, with_post(scene, 1.0), CAMERA, previous=lifted)
    assert again.persons[0].keypoints_m is not None
    assert again.persons[0].keypoints_m[COCO17.index("left_wrist"), 2] == pytest.approx(1.48, abs=0.01)
    coloured = PoseFrame(time_s=0.0, skeleton=COCO17, rgb=np.zeros((240, 320, 3), dtype=np.uint8))
    with pytest.raises(InputError, match="register the depth"):
        lift_frame(coloured, scene.depth_m, CAMERA)


@pytest.mark.parametrize("stature", [1.2, 1.711, 2.0])
def test_joints_come_out_in_the_middle_of_limbs_of_average_girth(stature: float) -> None:
    arm = np.array([[-0.5 * 0.332, 0.1, 2.0 / stature], [0.02, 0.1, 2.0 / stature], [0.166, 0.1, 2.0 / stature]])
    arm[1, 0], arm[2, 0] = arm[0, 0] + 0.186, arm[0, 0] + 0.332  # Winter 2009, in statures
    joints = stature * arm
    rays, depth = CAMERA.rays(), np.full((480, 640), 3.5)
    for radius, ends in (
        (0.259 / (2.0 * np.pi * 1.711) * stature, (0, 1)),
        (0.161 / (2.0 * np.pi * 1.711) * stature, (1, 2)),
    ):
        depth = np.minimum(depth, capsule_depth(rays, joints[ends[0]], joints[ends[1]], radius))
    body = np.full((17, 2), np.nan)
    rows = [COCO17.index(f"left_{joint}") for joint in ("shoulder", "elbow", "wrist")]
    body[rows] = CAMERA.project(joints)
    scores = np.isfinite(body[:, 0]).astype(float)
    points, _ = lift(body, scores, depth, CAMERA, skeleton=COCO17)
    np.testing.assert_allclose(points[rows[1:]], joints[1:], atol=0.006)
    np.testing.assert_allclose(CAMERA.project(points[rows]), body[rows], atol=1e-9)
    skin, _ = lift(body, scores, depth, CAMERA, skeleton=COCO17, config=LiftConfig(to_centers=False))
    assert (np.linalg.norm(points[rows] - joints, axis=1) < np.linalg.norm(skin[rows] - joints, axis=1)).all()


def test_how_deep_joints_lie_is_half_the_width_of_people() -> None:
    deep_cm = 171.1 * half_thickness(BODY18)
    for joint, girth_cm in (("pelvis", 96.7), ("left_knee", 36.2), ("right_wrist", 16.1), ("spine", 77.0)):
        assert 2.0 * np.pi * deep_cm[BODY18.index(joint)] == pytest.approx(girth_cm)
    assert deep_cm[BODY18.index("neck")] == pytest.approx(9.6)
    assert half_thickness(COCO17)[COCO17.index("nose")] == 0.0 == half_thickness(HAND21)[1:].max()
    assert not HAND_LIFT.to_centers


def test_the_size_of_a_person_is_the_median_limb() -> None:
    points = np.full((18, 3), np.nan)
    assert stature_m(points, BODY18) == 1.711 == stature_m(np.zeros((21, 3)), HAND21)
    for row, joint in enumerate(("left_hip", "left_knee", "left_ankle")):
        points[BODY18.index(joint)] = (0.0, 0.4 * row, 3.0)
    assert stature_m(points, BODY18) == pytest.approx(0.5 * (0.4 / 0.245 + 0.4 / 0.246))
    assert stature_m(10.0 * points, BODY18) == 2.2


def test_fingers_are_lifted_apart_from_what_is_behind_them() -> None:
    """A flat hand whose fingers are capsules 14 mm thick, 12 cm before a wall."""
    spread = np.array([-0.06, -0.025, 0.0, 0.02, 0.045])
    joints = np.zeros((21, 3))
    joints[:, 2] = 0.6
    for finger, x in enumerate(spread):
        joints[1 + 4 * finger : 5 + 4 * finger, 0] = x * np.array([0.8, 1.0, 1.1, 1.2])
        joints[1 + 4 * finger : 5 + 4 * finger, 1] = -np.array([0.08, 0.12, 0.14, 0.16])
    depth = np.full((480, 640), 0.72)
    for parent, child in HAND21.bone_rows:
        depth = np.minimum(depth, capsule_depth(CAMERA.rays(), joints[parent], joints[child], 0.007))
    rng = np.random.default_rng(1)
    measured = as_measured(depth, rng, holes=0.15)
    pixels = CAMERA.project(joints) + 2.0 * rng.normal(size=(21, 2))
    points, scores = lift(pixels, np.ones(21), measured, CAMERA, skeleton=HAND21, config=HAND_LIFT)
    assert (scores > 0.0).all()
    assert np.abs(points[:, 2] - 0.593).max() < 0.01


def test_an_arm_before_a_real_scene_with_its_real_holes(shared_data: Path) -> None:
    files = sorted((shared_data / "real_rgbd" / "PoseCNN").rglob("*depth*.png"))
    if not files:
        pytest.skip("no depth images of PoseCNN in the test data")
    rng = np.random.default_rng(5)
    errors = []
    for file in files:
        real = read_depth(file, depth_scale=10000.0).depth_m.astype(float)
        holes = real == 0.0
        for _ in range(4):
            scene = random_arm(rng)
            joints = scene.joints * (0.45 / scene.joints[:, 2].min())  # nearer than the table, and as much smaller
            arm = np.minimum(*(capsule_depth(CAMERA.rays(), joints[i], joints[i + 1], 0.012) for i in range(2)))
            depth = np.where(np.roll(holes, rng.integers(0, 200), axis=1), 0.0, np.where(arm < np.inf, arm, real))
            pixels = CAMERA.project(joints)
            inside = ((pixels > 5.0) & (pixels < np.array([635.0, 475.0]))).all(axis=1)
            rays = joints / joints[:, 2:]
            truth = np.minimum(*(capsule_depth(rays, joints[i], joints[i + 1], 0.012) for i in range(2)))
            points, _ = lift_arm(
                pixels + 2.0 * rng.normal(size=(3, 2)), depth, config=LiftConfig(radius_m=0.008, to_centers=False)
            )
            errors.append((points[:, 2] - truth)[inside])
    error = np.abs(np.concatenate(errors))
    found = np.isfinite(error)
    assert found.mean() > 0.85 and np.median(error[found]) < 0.003 and np.quantile(error[found], 0.95) < 0.03
