"""The detector's geometry against other implementations: collisions, suppression, visibility, rotations put right."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from torch import nn

from geometry import PANDA_HAND, GripperSpec, InputError, transform
from perception.grasping import Grasps, count_collisions, suppress_duplicates
from perception.grasping.network.backbone import SceneMaps
from perception.grasping.network.evaluator import GraspRatings
from perception.grasping.network.fusion import Look, judged_by_all, visible_share
from perception.grasping.network.hand_room import Tolerance, palm_overlap, points_in_hand
from perception.grasping.network.model import GraspNetwork
from perception.grasping.network.preparation import prepare, prepare_all
from perception.grasping.network.search import Found
from perception.grasping.network.targets import target_of
from perception.grasping.network.verdict import Ranking, one_of_each, orthonormal, ranked

NONE = Tolerance(palm_m=0.0, finger_m=0.0, tip_m=0.0)
LARGE_HAND = GripperSpec(name="large", max_width_m=0.14, finger_depth_m=0.07, finger_breadth_m=0.03)


def random_grasps(count: int, seed: int = 0, spread_m: float = 0.1) -> Grasps:
    """Grasps anywhere in a cube, turned anyhow."""
    rng = np.random.default_rng(seed)
    poses = transform(Rotation.random(count, rng), rng.uniform(0.0, spread_m, (count, 3)))
    return Grasps(poses, np.full(count, 0.04), rng.random(count)).sorted()


@pytest.mark.parametrize("gripper", [PANDA_HAND, LARGE_HAND])
def test_points_in_the_hand_agree_with_the_exact_count(gripper):
    grasps = random_grasps(40)
    points = np.random.default_rng(1).uniform(-0.15, 0.25, (3000, 3))
    counts = count_collisions(grasps, points, gripper, approach_m=0.0, open_fully=True)
    ours = points_in_hand(grasps.poses, points.astype(np.float32), gripper, NONE)
    expected = counts.left_finger + counts.right_finger + counts.palm
    assert np.abs(ours - expected).max() <= 1 and (ours == expected).mean() > 0.9  # single precision, at the faces
    assert expected.max() > 50


def test_tolerance_forgives_what_is_just_inside():
    inner, depth, breadth = 0.5 * PANDA_HAND.max_width_m, PANDA_HAND.finger_depth_m, PANDA_HAND.finger_breadth_m
    places = {
        "4 mm into a finger from the inside": (0.0, inner + 0.004, -0.03),
        "7 mm into a finger from its end": (0.0, inner + 0.010, -0.007),
        "1 mm into a finger from its broad side": (0.5 * breadth - 0.001, inner + 0.010, -0.03),
        "3 mm into the palm": (0.0, 0.0, -depth - 0.003),
        "between the fingers": (0.0, 0.0, -0.01),
        "deep in a finger": (0.0, -inner - 0.010, -PANDA_HAND.tip_depth_m),
        "5 mm into the palm": (0.0, 0.0, -depth - 0.005),
    }
    points = np.array(list(places.values()), dtype=np.float32)
    eye = np.eye(4)[None]
    forgiving = [int(points_in_hand(eye, points[[i]], PANDA_HAND, Tolerance())[0]) for i in range(7)]
    strict = [int(points_in_hand(eye, points[[i]], PANDA_HAND, NONE)[0]) for i in range(7)]
    assert dict(zip(places, forgiving, strict=True)) == dict(zip(places, [0, 0, 0, 0, 0, 1, 1], strict=True))
    assert dict(zip(places, strict, strict=True)) == dict(zip(places, [1, 1, 1, 1, 0, 1, 1], strict=True))


def test_no_points_hit_nothing():
    nothing = np.zeros((0, 3), dtype=np.float32)
    assert points_in_hand(np.eye(4)[None], nothing, PANDA_HAND, Tolerance()).tolist() == [0]
    assert palm_overlap(np.eye(4)[None], nothing, PANDA_HAND).tolist() == [0.0]


def test_palm_overlap_is_the_way_back():
    points = np.array([[0.0, 0.0, -0.060], [0.0, 0.05, -0.050], [0.2, 0.0, -0.08]], dtype=np.float32)
    assert palm_overlap(np.eye(4)[None], points, PANDA_HAND)[0] == pytest.approx(0.060 - PANDA_HAND.finger_depth_m)


@pytest.mark.parametrize("seed", range(4))
def test_one_of_each_agrees_with_the_other_suppression(seed):
    grasps = random_grasps(300, seed, spread_m=0.06)
    ranking = Ranking(spacing_m=0.02, spacing_rad=0.6)
    expected = suppress_duplicates(grasps, distance_m=0.02, angle_rad=0.6)
    kept = one_of_each(grasps, ranking, 1000)
    np.testing.assert_array_equal(kept.poses, expected.poses)
    assert len(kept) < 300
    np.testing.assert_array_equal(one_of_each(grasps, ranking, 5).poses, expected.poses[:5])


def test_a_grasp_turned_by_half_a_turn_is_the_same():
    poses = np.stack([np.eye(4), transform(Rotation.from_euler("z", np.pi))])
    assert len(one_of_each(Grasps(poses, [0.04, 0.04], [0.9, 0.8]), Ranking(), 10)) == 1


def test_single_precision_rotations_are_put_right():
    poses = random_grasps(50).poses
    fixed = orthonormal(poses.astype(np.float32).astype(np.float64))
    identity = fixed[:, :3, :3] @ fixed[:, :3, :3].transpose(0, 2, 1)
    np.testing.assert_allclose(identity, np.broadcast_to(np.eye(3), identity.shape), atol=1e-14)
    np.testing.assert_allclose(fixed, poses, atol=1e-6)


def test_widths_limits_and_ranking():
    found = Found(
        torch.eye(4).expand(3, 4, 4),
        torch.tensor([0.9, 0.8, 0.7]),
        torch.tensor([0.03, 0.079, 0.05]),
        torch.tensor([0.05, 0.0, 0.0]),
    )
    plain = ranked(found, Ranking(width_margin_m=0.004))
    np.testing.assert_allclose(plain.scores, [0.9, 0.7], atol=1e-6)
    np.testing.assert_allclose(plain.widths_m, [0.04, 0.06], atol=1e-6)
    steady = ranked(found, Ranking(stability_weight=0.5))
    np.testing.assert_allclose(steady.scores, [0.7, 0.9], atol=1e-6)
    assert ranked(found, Ranking(), LARGE_HAND).widths_m[1] == pytest.approx(0.089)


class SideEvaluator(nn.Module):
    """Thinks well of every grasp where the camera stands at negative y, else badly."""

    def volumes(self, poses, image, maps, depth_m, focal, T_table_camera):
        return poses, T_table_camera

    def forward(self, poses, T_table_camera):
        zeros = torch.zeros(len(poses))
        return GraspRatings(zeros + (2.0 if T_table_camera[0, 1, 3] < 0.0 else -2.0), zeros, zeros, zeros, zeros)


def test_who_sees_a_grasp_judges_it(make_view):
    wall = ((0.0, 0.0, 0.1), (0.1, 0.01, 0.1), 0.0)
    looks = []
    for prepared in prepare_all([make_view([wall]), make_view([wall], eye=(0.0, 0.45, 0.4))]):
        front = prepared.view.depth_m[:, ::2, ::2]
        looks.append(Look(prepared, SceneMaps(front, front, front, front, front)))
    network = GraspNetwork()
    network.evaluator = SideEvaluator()
    down = Rotation.from_euler("x", np.pi).as_matrix()
    poses = torch.from_numpy(transform(down, np.array([(0.0, -0.08, 0.03), (0.0, 0.08, 0.03)]))).float()
    nothing = torch.zeros(2)
    fused = judged_by_all(network, looks, [Found(poses, nothing, nothing, nothing)])
    logits = torch.logit(fused.probability).tolist()
    assert fused.poses[:, 1, 3].tolist() == pytest.approx([-0.08, 0.08])
    assert logits[0] > 1.8 and logits[1] < -1.8


def test_a_target_is_where_it_is_and_held_where_it_is_between_the_fingers(make_view):
    boxes = [((x, 0.0, 0.03), (0.02, 0.02, 0.03), 0.0) for x in (-0.06, -0.015)]
    view = make_view(boxes)
    prepared = prepare(view)
    point, eye = np.array([-0.062, 0.0, 0.06]), view.T_world_camera[:3, 3]
    target = target_of(point, view.camera, view.depth_m, prepared)
    places = np.array(
        [point, (-0.01, 0.0, 0.06), point + 0.2 * (point - eye), (-0.06, -0.1, 0.0), eye - (0.0, 0.0, 9.0)]
    )
    assert target.seeds_allowed(torch.from_numpy(places).float()).tolist() == [True, False, False, False, False]
    down = Rotation.from_euler("x", np.pi).as_matrix()
    on_it, on_the_other, mostly_on_the_other, above_it = (-0.06, 0.04), (-0.01, 0.04), (-0.035, 0.04), (-0.06, 0.12)
    at = [(x, 0.0, z) for x, z in (on_it, on_the_other, mostly_on_the_other, above_it)]
    assert target.held(transform(down, np.array(at))).tolist() == [True, False, False, False]


@pytest.mark.parametrize("bad", [{"stability_weight": 1.5}, {"width_margin_m": -1.0}, {"spacing_m": 0.0}])
def test_what_is_no_ranking(bad):
    with pytest.raises(InputError, match="Ranking"):
        Ranking(**bad)


def test_a_look_sees_what_is_in_front_of_it(make_view):
    wall = ((0.0, 0.0, 0.1), (0.1, 0.01, 0.1), 0.0)
    prepared = prepare(make_view([wall]))
    front = prepared.view.depth_m[:, ::2, ::2]
    look = Look(prepared, SceneMaps(front, front, front, front, front))
    down = Rotation.from_euler("x", np.pi).as_matrix()
    places = [(0.0, -0.1, 0.05), (0.0, 0.06, 0.03), (3.0, 0.0, 0.05)]
    poses = torch.from_numpy(transform(down, np.array(places))).float()
    before, behind, outside = visible_share(poses, look).tolist()
    assert before > 0.9 and behind < 0.1 and outside == 0.0


def test_visible_share_follows_the_cameras_side(make_view):
    wall = ((0.0, 0.0, 0.1), (0.1, 0.01, 0.1), 0.0)
    prepared = prepare(make_view([wall], eye=(0.0, 0.45, 0.4)))
    front = prepared.view.depth_m[:, ::2, ::2]
    look = Look(prepared, SceneMaps(front, front, front, front, front))
    down = Rotation.from_euler("x", np.pi).as_matrix()
    poses = torch.from_numpy(transform(down, np.array([(0.0, -0.06, 0.03), (0.0, 0.1, 0.05)]))).float()
    behind, before = visible_share(poses, look).tolist()
    assert before > 0.9 and behind < 0.1
