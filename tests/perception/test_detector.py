"""`GraspDetector` around a network whose answers are known: frames, targets, cones, hands, notes, several views."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor, nn

from geometry import GripperSpec, InputError, invert, transform, transform_points
from perception.grasping.network import verdict
from perception.grasping.network.backbone import SceneMaps, SeedGrid
from perception.grasping.network.detector import GraspDetector
from perception.grasping.network.evaluator import GraspRatings
from perception.grasping.network.model import GraspNetwork
from perception.grasping.network.orientations import DEPTHS_M, ORIENTATIONS
from perception.grasping.network.search import Search
from perception.grasping.network.targets import ApproachCone
from perception.grasping.network.verdict import Ranking
from perception.grasping.network.view_channels import pixel_rays

LEFT = ((-0.08, 0.0, 0.03), (0.02, 0.02, 0.03), 0.0)
RIGHT = ((0.08, 0.0, 0.03), (0.02, 0.02, 0.03), 0.0)
STRAIGHT_DOWN = 0
"""Number of the grid's orientation that comes most steeply from above."""


class StubBackbone(nn.Module):
    """Sees an object wherever the depth is 8 mm above the table, and proposes the same orientations everywhere."""

    def __init__(self, orientations: tuple[int, ...] = (STRAIGHT_DOWN,), depth: int = 2) -> None:
        super().__init__()
        self.orientations, self.depth = orientations, depth

    def forward(self, depth_m: Tensor, focal: Tensor, T_table_camera: Tensor) -> SceneMaps:
        seen = (depth_m > 0.0).float()[:, None]
        share = nn.functional.avg_pool2d(seen, 2)
        front = (nn.functional.avg_pool2d(depth_m[:, None], 2) / share.clamp_min(1e-6))[:, 0]
        rays = pixel_rays(focal / 2, (front.shape[1], front.shape[2]))
        heights = torch.einsum("bi,bihw->bhw", T_table_camera[:, 2, :3], rays) * front
        heights = heights + T_table_camera[:, 2, 3][:, None, None]
        logit = torch.where((heights > 0.008) & (share[:, 0] > 0.0), 8.0, -20.0)
        graspness = nn.functional.max_pool2d(logit[:, None], 2)[:, 0]
        return SceneMaps(front, front + 0.03, logit, graspness, torch.zeros(len(front), 4, *graspness.shape[1:]))

    def rate(self, features: Tensor, pixels: Tensor) -> SeedGrid:
        shape = (*pixels.shape[:2], len(ORIENTATIONS))
        quality = torch.full((*shape, len(DEPTHS_M)), -5.0)
        quality[..., list(self.orientations), self.depth] = 5.0
        return SeedGrid(quality, torch.full(shape, 0.04), torch.zeros(shape))


class StubVolumes(NamedTuple):
    """The poses themselves, which look the same in every mirror."""

    poses: Tensor

    def mirrored(self, *_: Tensor) -> StubVolumes:
        return self


class StubEvaluator(nn.Module):
    """Likes grasps the nearer they are to a point of the table frame; any grasp where there is none."""

    def __init__(self, best_at: tuple[float, float, float] | None = None, width_m: float = 0.04) -> None:
        super().__init__()
        self.best_at, self.width_m = best_at, width_m

    def volumes(self, poses: Tensor, *_: object) -> StubVolumes:
        return StubVolumes(poses)

    def forward(self, poses: Tensor) -> GraspRatings:
        logit = torch.zeros(len(poses))
        if self.best_at is not None:
            logit = 2.0 - 50.0 * (poses[:, :3, 3] - torch.tensor(self.best_at)).norm(dim=1)
        width = torch.full((len(poses),), self.width_m)
        return GraspRatings(logit, logit, torch.zeros_like(logit), width, poses[:, 0, 3])


def detector(*, orientations=(STRAIGHT_DOWN,), depth=2, best_at=None, width_m=0.04, **options) -> GraspDetector:
    """A detector around the stub."""
    network = GraspNetwork()
    network.backbone = StubBackbone(orientations, depth)
    network.evaluator = StubEvaluator(best_at, width_m)
    return GraspDetector(network, **options)


def arguments(view, **changes):
    """What `detect` takes of a view."""
    fields = {"camera": view.camera, "T_world_camera": view.T_world_camera, "table_z_m": view.table_z_m}
    return {"depth_m": view.depth_m, "workspace": view.workspace, **fields, **changes}


def pixel_of(view, point):
    """(2,) where a point of the world is in the image."""
    return view.camera.project(transform_points(invert(view.T_world_camera), np.array([point])))[0]


def test_the_best_grasp_is_the_evaluators_best(make_view):
    grasps = detector(best_at=(-0.08, 0.0, 0.045))(make_view([LEFT, RIGHT]))
    assert len(grasps) and np.linalg.norm(grasps.positions[0] - (-0.08, 0.0, 0.045)) < 0.008
    distance = np.linalg.norm(grasps.positions - (-0.08, 0.0, 0.045), axis=1)
    np.testing.assert_allclose(grasps.scores, 1 / (1 + np.exp(50.0 * distance - 2.0)), atol=1e-5)
    assert (np.diff(grasps.scores) <= 0.0).all() and grasps.note == "" and grasps.frame == "world"
    np.testing.assert_allclose(grasps.widths_m, 0.05)


def test_scores_follow_the_calibration(make_view):
    plain = detector(best_at=(0.08, 0.0, 0.045))
    calibrated = detector(best_at=(0.08, 0.0, 0.045))
    calibrated.network.calibration = torch.tensor([0.5, -1.0])
    a, b = (d(make_view([RIGHT])).scores[0] for d in (plain, calibrated))
    assert np.log(b / (1 - b)) == pytest.approx(0.5 * np.log(a / (1 - a)) - 1.0, abs=1e-4)


def test_turning_the_world_turns_the_grasps(make_view):
    view, find = make_view([LEFT, RIGHT]), detector(best_at=(-0.08, 0.0, 0.045))
    before = find(view)
    T_new_world = transform(Rotation.from_euler("z", np.pi / 2), (0.4, -0.2, 0.3))
    find.network.evaluator.best_at = (-0.0 + 0.4, -0.08 - 0.2, 0.045)  # the table's frame has the world's axes
    corners = transform_points(T_new_world, view.workspace)
    view.T_world_camera, view.table_z_m = T_new_world @ view.T_world_camera, 0.3
    view.workspace = np.stack([corners.min(axis=0), corners.max(axis=0)])
    after = find(view)
    np.testing.assert_allclose(after.scores[:5], before.scores[:5], atol=1e-4)
    np.testing.assert_allclose(after.poses[0], T_new_world @ before.poses[0], atol=1e-5)


def test_without_a_pose_grasps_are_in_the_cameras_frame(make_view):
    view = make_view([LEFT])
    grasps = detector().detect(view.depth_m, view.camera)
    assert grasps.frame == "camera" and len(grasps)
    positions = transform_points(view.T_world_camera, grasps.positions)
    assert np.abs(np.median(positions, axis=0) - LEFT[0]).max() < 0.02
    down = view.T_world_camera[:3, :3] @ grasps.approaches[0]
    assert down[2] < -0.95


@pytest.mark.parametrize("kind", ["mask", "box", "pixel", "point"])
@pytest.mark.parametrize("box", [LEFT, RIGHT])
def test_only_the_target_is_grasped(make_view, kind, box):
    view = make_view([LEFT, RIGHT])
    x, y = pixel_of(view, np.array(box[0]) + (0, 0, 0.03))
    mask = np.zeros(view.depth_m.shape, dtype=bool)
    mask[:, :160] = box is LEFT
    mask[:, 160:] = box is RIGHT
    target = {
        "mask": mask,
        "box": (x - 20, y - 20, x + 20, y + 20),
        "pixel": (x, y),
        "point": np.array(box[0]) + (0, 0, 0.03),
    }[kind]
    grasps = detector().detect(**arguments(view, target=target))
    assert len(grasps) and np.sign(grasps.positions[:, 0]).tolist() == [np.sign(box[0][0])] * len(grasps)


def test_a_target_that_is_not_there(make_view):
    view = make_view([LEFT])
    table = pixel_of(view, (0.08, 0.05, 0.0))
    empty = detector().detect(**arguments(view, target=table))
    assert not len(empty) and "target is hidden" in empty.note
    view.depth_m[:, 160:] = 0.0
    mask = np.zeros(view.depth_m.shape, dtype=bool)
    mask[:, 170:] = True
    assert "target is hidden" in detector().detect(**arguments(view, target=mask)).note


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (np.ones((10, 10), dtype=bool), "target mask"),
        ((1.0, 2.0, 3.0, 4.0, 5.0), "a mask (H, W), a box"),
        ((10, 10, 5, 20), "target box"),
        ((400, 10, 500, 20), "target box"),
        ((1000, 10), "target point"),
        ((np.nan, 1.0), "a mask (H, W), a box"),
    ],
)
def test_what_is_no_target(make_view, target, said):
    with pytest.raises(InputError) as caught:
        detector().detect(**arguments(make_view([LEFT]), target=target))
    assert said in str(caught.value)


def test_all_grasps_come_from_within_the_cone(make_view):
    view, find = make_view([LEFT, RIGHT]), detector(orientations=(0, 80, 160))  # from steep to flat
    free = find.detect(**arguments(view))
    limit = 0.8
    assert np.arccos(-free.approaches[:, 2]).max() > limit
    steered = find.detect(**arguments(view, cone=ApproachCone((0, 0, -2), limit)))
    assert len(steered) and np.arccos(-steered.approaches[:, 2]).max() <= limit + 1e-5


def test_a_cone_that_leaves_nothing_says_so(make_view):
    grasps = detector().detect(**arguments(make_view([LEFT]), cone=ApproachCone((0, 0, 1), 0.5)))
    assert not len(grasps) and grasps.note.startswith("no grasp from within the approach cone; ")


@pytest.mark.parametrize("cone", [((0, 0, 0), 0.5), ((0, 0, 1), 0.0), ((0, 0, 1), 4.0), ((0, np.nan, 1), 0.5)])
def test_what_is_no_cone(cone):
    with pytest.raises(InputError, match="ApproachCone"):
        ApproachCone(*cone)


def test_grasps_stay_in_the_workspace(make_view):
    view = make_view([LEFT, RIGHT])
    half = np.array([[0.0, -0.15, -0.02], [0.15, 0.15, 0.3]])
    grasps = detector().detect(**arguments(view, workspace=half))
    assert len(grasps) and (grasps.positions[:, 0] > 0.0).all()


def test_top_k_and_spacing(make_view):
    view, ranking = make_view([LEFT, RIGHT]), Ranking(spacing_m=0.02, spacing_rad=3.0)
    grasps = detector(ranking=ranking).detect(**arguments(view))
    gaps = np.linalg.norm(grasps.positions[:, None] - grasps.positions, axis=-1) + np.eye(len(grasps))
    assert len(grasps) > 2 and gaps.min() >= 0.02
    np.testing.assert_array_equal(detector(ranking=ranking).detect(**arguments(view, top_k=2)).poses, grasps.poses[:2])


def test_stability_ranks_but_scores_stay_probabilities(make_view):
    # the stub says that the centre of mass lies |x| beside the grasp; the evaluator prefers the far box a little
    near, far = ((0.02, 0.0, 0.03), (0.02, 0.02, 0.03), 0.0), ((0.1, 0.0, 0.03), (0.02, 0.02, 0.03), 0.0)
    view = make_view([near, far])
    first = detector(best_at=(0.08, 0.0, 0.045)).detect(**arguments(view))
    steady = detector(best_at=(0.08, 0.0, 0.045), ranking=Ranking(stability_weight=1.0)).detect(**arguments(view))
    assert first.positions[0, 0] > 0.06 and steady.positions[0, 0] < 0.05
    assert steady.scores[0] < first.scores[0] and steady.scores.max() > steady.scores[0]


def test_a_hand_that_opens_too_little_says_so(make_view):
    narrow = GripperSpec(name="narrow", max_width_m=0.042)
    grasps = detector(gripper=narrow)(make_view([LEFT]))
    assert not len(grasps) and "opens to 42 mm" in grasps.note
    assert len(detector(gripper=narrow, width_m=0.03)(make_view([LEFT])))


def test_shorter_fingers_are_drawn_back_until_the_palm_is_clear(make_view):
    block = [((0.0, 0.0, 0.06), (0.03, 0.012, 0.06), 0.0)]
    short = GripperSpec(name="short", finger_depth_m=0.02, tip_depth_m=0.01)
    panda, stubby = (d(make_view(block)) for d in (detector(depth=3), detector(depth=3, gripper=short)))
    top_m = 0.12
    assert (panda.positions[:, 2] + 0.02 * -panda.approaches[:, 2]).min() < top_m - 0.004
    assert len(stubby) and (stubby.positions[:, 2] - 0.02 * stubby.approaches[:, 2]).min() > top_m - 0.004


def test_colliding_grasps_go_while_there_are_others(make_view):
    # a slab wider than the hand opens, in which the fingers of any deep grasp end, and a block with room around it
    slab, block = ((0.0, 0.08, 0.03), (0.05, 0.07, 0.03), 0.0), ((0.0, -0.1, 0.03), (0.015, 0.015, 0.03), 0.0)
    all_of_it = {"best_at": (0.0, 0.08, 0.04), "depth": 3, "search": Search(seeds=4000, per_seed=1, candidates=4000)}
    blind = detector(**all_of_it, ranking=Ranking(check_collisions=False, checked=4000))
    seeing = detector(**all_of_it, ranking=Ranking(checked=4000))
    view = make_view([slab, block], eye=(0.0, -0.1, 0.7))
    assert abs(blind(view).positions[0, 1] - 0.08) < 0.02
    grasps = seeing(view)
    assert len(grasps) and grasps.note == "" and grasps.positions[:, 1].max() < 0.02


def test_when_everything_collides_the_best_is_given_and_said(make_view, monkeypatch):
    monkeypatch.setattr(verdict, "points_in_hand", lambda poses, *_, **__: np.full(len(poses), 9))
    grasps = detector(best_at=(-0.08, 0.0, 0.045))(make_view([LEFT]))
    assert len(grasps) and "touches something" in grasps.note
    assert np.linalg.norm(grasps.positions[0] - (-0.08, 0.0, 0.045)) < 0.008


def test_no_promise_is_no_licence_for_the_table(make_view):
    grasps = detector(search=Search(least_promise=1.0))(make_view([LEFT]))
    assert len(grasps) and np.abs(grasps.positions[:, 0] + 0.08).max() < 0.06


def test_a_deeper_search_comes_before_giving_up(make_view):
    hopeful = detector(search=Search(least_promise=1.0))
    grasps = hopeful(make_view([LEFT]))
    assert len(grasps) and grasps.note == "found by a deeper search"


@pytest.mark.parametrize(
    ("boxes", "changes", "note"),
    [
        ([], {}, "nothing stands above the table within the workspace"),
        ([LEFT], {"depth_m": np.zeros((240, 320), dtype=np.float32)}, "no depth where grasps are wanted"),
        (
            [LEFT],
            {"workspace": np.array([[0.02, -0.1, 0.0], [0.15, 0.1, 0.3]])},
            "nothing stands above the table within the workspace",
        ),
        (
            [LEFT],
            {"workspace": np.array([[-0.1, -0.1, 0.2], [0.1, 0.1, 0.3]])},
            "the camera sees nothing of the workspace",
        ),
        ([LEFT], {"workspace": np.array([[5.0, 5.0, 0.0], [5.3, 5.3, 0.3]])}, "no depth where grasps are wanted"),
    ],
)
def test_an_empty_answer_says_why(make_view, boxes, changes, note):
    grasps = detector()(make_view(boxes, **changes))
    assert not len(grasps) and grasps.note == note


def test_the_same_look_gives_the_same_bits(make_view):
    torch.manual_seed(0)
    find = GraspDetector(GraspNetwork())
    first, second = (find(make_view([LEFT, RIGHT])) for _ in range(2))
    assert first.poses.tobytes() == second.poses.tobytes() and first.scores.tobytes() == second.scores.tobytes()


def test_stages_add_up(make_view):
    stages: dict[str, float] = {}
    view = make_view([LEFT])
    detector().detect(**arguments(view), on_stage=lambda name, s: stages.update({name: stages.get(name, 0.0) + s}))
    assert list(stages) == ["prepare", "backbone", "search", "evaluate", "finish"]
    assert all(seconds > 0.0 for seconds in stages.values())


def test_a_cloud_gives_grasps_in_its_own_frame(make_view):
    view = make_view([LEFT])
    points = transform_points(view.T_world_camera, view.camera.unproject(view.depth_m).reshape(-1, 3))
    points = np.random.default_rng(0).permutation(points)  # NaN rows and all
    eye = view.T_world_camera[:3, 3]
    best_at = (-0.08, 0.0, 0.045)
    grasps = detector(best_at=best_at).detect_cloud(points, viewpoint=eye, workspace=view.workspace, table_z_m=0.0)
    assert grasps.frame == "cloud" and np.linalg.norm(grasps.positions[0] - best_at) < 0.008
    found = detector().detect_cloud(points, viewpoint=eye, target=(-0.08, 0.0, 0.06))
    assert len(found) and np.abs(found.positions - LEFT[0]).max() < 0.04
    with pytest.raises(InputError, match="point"):
        detector().detect_cloud(points, viewpoint=eye, target=(3, 4))


def test_several_views_find_what_one_alone_does_not_see(make_view):
    wall = ((0.0, 0.0, 0.1), (0.1, 0.01, 0.1), 0.0)
    behind = ((0.0, 0.09, 0.02), (0.02, 0.02, 0.02), 0.0)
    front, back = make_view([wall, behind]), make_view([wall, behind], eye=(0.0, 0.45, 0.4))
    point = (0.0, 0.09, 0.03)
    find = detector(best_at=point, orientations=(4,))  # the palm lies along the wall
    alone, both = find(front), find.detect_views([front, back])
    assert not len(alone) or np.linalg.norm(alone.positions[0] - point) > 0.03
    assert np.linalg.norm(both.positions[0] - point) < 0.02


@pytest.mark.parametrize("damage", ["truncated", "missing", "foreign"])
def test_weights_that_cannot_be_used(tmp_path, damage):
    file = tmp_path / "weights.safetensors"
    torch.manual_seed(0)
    GraspNetwork().save(file, {"made": "by a test"})
    assert isinstance(GraspDetector.from_pretrained(file, bf16=False), GraspDetector)
    if damage == "truncated":
        file.write_bytes(file.read_bytes()[:1000])
    elif damage == "missing":
        file.unlink()
    else:
        torch.save({"a": torch.zeros(1)}, file)
    with pytest.raises(InputError) as caught:
        GraspDetector.from_pretrained(file)
    assert "\n" not in str(caught.value)


def test_nothing_asked_for(make_view):
    with pytest.raises(InputError, match="at least one view"):
        detector().detect_views([])
    with pytest.raises(InputError, match="top_k"):
        detector().detect(**arguments(make_view([LEFT]), top_k=0))
