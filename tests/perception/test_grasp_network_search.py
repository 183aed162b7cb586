"""The search in one image around a network whose answers are known, moves around a grasp, and weights on disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor, nn

from geometry import PANDA_HAND, InputError, transform
from perception.grasping.network import DEPTHS_M, ORIENTATIONS, Search, View, find_grasps
from perception.grasping.network.backbone import BackboneSpec, SceneMaps, SeedGrid
from perception.grasping.network.evaluator import EvaluatorSpec, GraspRatings
from perception.grasping.network.model import GraspNetwork, NetworkSpec
from perception.grasping.network.neighbourhood import moved
from perception.grasping.network.search import rate_poses

SMALL = NetworkSpec(
    backbone=BackboneSpec(widths=(4, 4, 8, 8), features=8, hidden=8),
    evaluator=EvaluatorSpec(widths=(4, 4, 8, 8), hidden=8),
)
SIZE, EYE_M, FOCAL, DEPTH_M = 64, (0.15, 0.15, 0.6), 270.0, 0.5
STEEP, TILTED = 0, 8 * 20
"""Orientations of the grid: straight down, and well inclined."""
ONCE = Search(per_seed=1, finalists=0, spread=0, mirrors=False)


class Seen(NamedTuple):
    """Stub of the evaluator's volumes."""

    poses: Tensor
    bonus: Tensor

    def mirrored(self, across_y: Tensor, across_x: Tensor) -> Seen:
        return Seen(self.poses, self.bonus + across_y.float() + 3.0 * across_x.float())


class StubEvaluator(nn.Module):
    """Likes a large x; a mirrored world adds to its word."""

    def volumes(self, poses: Tensor, *_: object) -> Seen:
        return Seen(poses, torch.zeros(len(poses)))

    def forward(self, poses: Tensor, bonus: Tensor) -> GraspRatings:
        logit = 100.0 * (poses[:, 0, 3] - 0.15) + bonus
        return GraspRatings(logit, logit, poses[:, 0, 3], poses[:, 1, 3], poses[:, 2, 3])

    def __call__(self, *seen: Tensor) -> GraspRatings:
        return self.forward(*seen)


class StubHead(nn.Module):
    """Rates each place by features (place, entry): the chosen entries of the grid in order, all others worse."""

    def __init__(self, entries: tuple[tuple[int, int], ...], offset_m: float) -> None:
        super().__init__()
        self.entries, self.offset_m = entries, offset_m

    def rate(self, features: Tensor, pixels: Tensor) -> SeedGrid:
        shape = (*pixels.shape[:2], len(ORIENTATIONS))
        quality = torch.full((*shape, len(DEPTHS_M)), -9.0)
        for rank, (k, d) in enumerate(self.entries):
            quality[..., k, d] = 5.0 - rank + 1e-3 * pixels[..., 1]
        return SeedGrid(quality, torch.full(shape, 0.04), torch.full(shape, self.offset_m))


def network(*entries: tuple[int, int], offset_m: float = 0.0) -> GraspNetwork:
    made = GraspNetwork(SMALL)
    made.backbone = StubHead(entries or ((STEEP, 1),), offset_m)  # type: ignore[assignment]
    made.evaluator = StubEvaluator()  # type: ignore[assignment]
    return made


def scene(cells: dict[tuple[int, int], float], *, depth_m: float = DEPTH_M, object_logit: float = 20.0) -> tuple:
    """A level surface seen from straight above, and maps with these logits of graspness."""
    T = transform(np.diag([1.0, -1.0, -1.0]), EYE_M)
    view = View(
        torch.full((1, SIZE, SIZE), depth_m), torch.tensor([FOCAL]), torch.from_numpy(T)[None].to(torch.float32)
    )
    graspness = torch.full((1, SIZE // 4, SIZE // 4), -30.0)
    for (row, column), logit in cells.items():
        graspness[0, row, column] = logit
    front = torch.full((1, SIZE // 2, SIZE // 2), depth_m)
    return view, SceneMaps(front, front + 0.03, torch.full_like(front, object_logit), graspness, torch.zeros(1))


def point(row: int, column: int, depth_m: float = DEPTH_M) -> np.ndarray:
    """Where the middle of a cell of 4 by 4 pixels lies in the table frame, by hand."""
    u, v = 4 * column + 1.5 - 31.5, 4 * row + 1.5 - 31.5
    return np.array([0.15 + u * depth_m / FOCAL, 0.15 - v * depth_m / FOCAL, 0.6 - depth_m])


def places(found, count: int | None = None) -> set[tuple[int, int]]:
    """Cells that grasps from above, of a small depth, stand at."""
    cells = [(row, column) for row in range(16) for column in range(16)]
    middles = np.array([point(*cell)[:2] for cell in cells])
    far = np.linalg.norm(found.poses[:count, None, :2, 3].double().numpy() - middles, axis=-1)
    assert not len(far) or far.min(axis=1).max() < 0.002
    return {cells[i] for i in far.argmin(axis=1)}


@pytest.mark.parametrize(("k", "d"), [(STEEP, 1), (TILTED + 3, 2), (77, 0), (5, 3)])
def test_a_grasp_stands_where_seed_orientation_depth_and_offset_put_it(k: int, d: int) -> None:
    view, maps = scene({(5, 9): 4.0})
    found = find_grasps(network((k, d), offset_m=0.006), view, maps, ONCE, has_table=False)
    R = ORIENTATIONS[k]  # seen from straight above with rows along x, the view frame is the table's
    expected = transform(R, point(5, 9) + DEPTHS_M[d] * R[:, 2] + 0.006 * R[:, 1])
    assert found.poses.shape == (1, 4, 4)
    np.testing.assert_allclose(found.poses[0].numpy(), expected, atol=1e-6)
    np.testing.assert_allclose(found.width_m, expected[1, 3], atol=1e-6)  # the stub's words, of this pose
    np.testing.assert_allclose(found.com_m, expected[2, 3], atol=1e-6)


def test_the_most_promising_places_are_taken_and_the_evaluator_orders_them() -> None:
    view, maps = scene({(3, 3): 1.0, (8, 8): 3.0, (12, 12): 2.0, (5, 1): 0.5})
    made = network()
    made.calibration = torch.tensor([0.5, -1.0])
    found = find_grasps(made, view, maps, Search(seeds=3, per_seed=1, finalists=0, spread=0, mirrors=False))
    assert places(found) == {(3, 3), (8, 8), (12, 12)} and places(found, 1) == {(12, 12)}
    x = found.poses[:, 0, 3].double().numpy()
    assert (np.diff(x) < 0.0).all()
    expected = 1.0 / (1.0 + np.exp(-(0.5 * 100.0 * (x - 0.15) - 1.0)))
    np.testing.assert_allclose(found.probability, expected, rtol=1e-4)


def test_no_place_without_an_object_or_without_promise() -> None:
    view, maps = scene({(3, 3): 4.0, (8, 8): 4.0, (9, 3): -12.0})
    maps.object_logit[0, 16:18, 16:18] = -20.0
    assert places(find_grasps(network(), view, maps, ONCE)) == {(3, 3)}
    found = find_grasps(network(), view, maps._replace(object_logit=maps.object_logit - 40.0), ONCE)
    assert found.poses.shape == (0, 4, 4) and all(len(value) == 0 for value in found)
    everything = find_grasps(
        network(), view, maps, Search(seeds=999, per_seed=1, finalists=0, spread=0, mirrors=False, least_promise=-1.0)
    )
    assert len(everything.poses) == 128  # the evaluator's share


def test_one_object_pixel_makes_an_object_of_a_place() -> None:
    view, maps = scene({(3, 3): 4.0}, object_logit=-20.0)
    maps.object_logit[0, 7, 7] = 20.0
    assert places(find_grasps(network(), view, maps, ONCE)) == {(3, 3)}


def test_the_best_entries_of_all_places_are_judged() -> None:
    view, maps = scene({(3, 3): 1.0, (12, 12): 1.0})
    made = network((STEEP, 2), (TILTED, 2), (TILTED, 1))
    found = find_grasps(
        made, view, maps, Search(per_seed=2, candidates=3, finalists=0, spread=0, mirrors=False), has_table=False
    )
    tilted = found.poses[:, 2, 2] > -0.9
    assert len(found.poses) == 3 and int(tilted.sum()) == 1  # both best ones, and the second of the better place
    assert found.poses[tilted][0, 0, 3] > 0.15


def test_without_reranking_the_grids_order_stands() -> None:
    view, maps = scene({(3, 3): 1.0, (8, 8): 1.0})
    search = Search(per_seed=2, rerank=False)
    found = find_grasps(network((TILTED, 2), (STEEP, 2)), view, maps, search, has_table=False)
    assert found.probability.tolist() == [1.0, 0.75, 0.5, 0.25]
    assert (found.poses[:, 2, 2] > -0.9).tolist() == [True, True, False, False]
    assert found.poses[0, 0, 3] > found.poses[1, 0, 3]


def test_wishes_are_kept() -> None:
    view, maps = scene({(3, 3): 4.0, (8, 8): 4.0, (12, 12): 4.0})
    made, search = network((STEEP, 1), (TILTED, 1)), Search(per_seed=2, mirrors=False)
    found = find_grasps(
        made,
        view,
        maps,
        search,
        seed_allowed=lambda points: points[:, 0] < 0.17,
        pose_allowed=lambda poses: poses[:, 2, 2] < -0.8,
    )
    assert len(found.poses) and (found.poses[:, 2, 2] < -0.8).all() and (found.poses[:, 0, 3] < 0.2).all()
    nothing = find_grasps(made, view, maps, search, pose_allowed=lambda poses: poses[:, 0, 0] > 2.0)
    assert nothing.poses.shape == (0, 4, 4)


def lowest(pose: np.ndarray) -> float:
    """Least height of the open hand's corners."""
    corners = [[x, y, z, 1.0] for box in PANDA_HAND.boxes() for x in box[:, 0] for y in box[:, 1] for z in box[:, 2]]
    return float((np.array(corners) @ pose.T)[:, 2].min())


@pytest.mark.parametrize(("k", "height_m", "stays"), [(STEEP, 0.05, True), (STEEP, 0.012, True), (TILTED, 0.04, True)])
def test_the_hand_is_drawn_back_from_the_table(k: int, height_m: float, stays: bool) -> None:
    view, maps = scene({(8, 8): 4.0}, depth_m=0.6 - height_m)
    free = find_grasps(network((k, 2)), view, maps, ONCE, has_table=False).poses[0].double().numpy()
    found = find_grasps(network((k, 2)), view, maps, ONCE).poses
    assert len(found) == stays
    pose = found[0].double().numpy()
    back = (free[:3, 3] - pose[:3, 3]) @ free[:3, 2]
    np.testing.assert_allclose(pose[:3, :3], free[:3, :3])
    np.testing.assert_allclose(free[:3, 3] - back * free[:3, 2], pose[:3, 3], atol=1e-6)
    if lowest(free) >= 0.004:
        np.testing.assert_array_equal(pose, free)
    else:
        assert lowest(pose) == pytest.approx(0.004, abs=1e-5) and back > 0.0


def test_what_would_be_drawn_back_too_far_is_left_out() -> None:
    view, maps = scene({(8, 8): 4.0}, depth_m=0.598)
    assert len(find_grasps(network((STEEP, 2)), view, maps, ONCE).poses) == 1
    strict = Search(per_seed=1, finalists=0, most_drawn_back_m=0.01)
    assert not len(find_grasps(network((STEEP, 2)), view, maps, strict).poses)
    assert len(find_grasps(network((STEEP, 2)), view, maps, strict, has_table=False).poses) == 1


def test_better_moves_of_the_finalists_take_part() -> None:
    view, maps = scene({(3, 3): 4.0, (8, 8): 4.0, (12, 12): 4.0})
    plain = find_grasps(network(), view, maps, ONCE)
    search = Search(per_seed=1, finalists=2, moves=8, spread=0, mirrors=False)
    found = find_grasps(network(), view, maps, search)
    assert len(found.poses) == 3 + 2 * 8 and (found.probability.diff() <= 0.0).all()
    assert found.poses[0, 0, 3] > plain.poses[0, 0, 3] + 0.002
    expected = moved(plain.poses[:2], 8)
    for pose in expected:
        assert (found.poses - pose).abs().amax(dim=(1, 2)).min() < 1e-6
    few = find_grasps(network(), view, maps, search, pose_allowed=lambda poses: poses[:, 2, 2] < -0.97)
    assert len(few.poses) < 19 and (few.poses[:, 2, 2] < -0.97).all()


def test_a_finalist_may_be_worth_the_mean_of_its_moves() -> None:
    view, maps = scene({(3, 3): 4.0, (8, 8): 4.0, (12, 12): 4.0})
    plain = find_grasps(network(), view, maps, ONCE)
    found = find_grasps(
        network(), view, maps, Search(per_seed=1, finalists=2, moves=8, around="mean", spread=0, mirrors=False)
    )
    torch.testing.assert_close(found.poses, plain.poses)
    around = torch.sigmoid(100.0 * (moved(plain.poses[:2], 8)[:, 0, 3] - 0.15)).view(2, 8)
    expected = (plain.probability[:2] + around.sum(dim=1)) / 9
    torch.testing.assert_close(found.probability[:2], expected, rtol=1e-4, atol=1e-6)
    assert found.probability[2] <= expected.min()


def test_every_patch_of_the_scene_is_looked_at() -> None:
    easy = {(r, c): 5.0 for r in range(4) for c in range(4)}
    view, maps = scene({**easy, (12, 12): -2.0, (13, 13): -3.0})
    wide = Search(seeds=4, per_seed=1, finalists=0, spread=1, mirrors=False)
    narrow = Search(seeds=4, per_seed=1, finalists=0, spread=0, mirrors=False)
    assert places(find_grasps(network(), view, maps, narrow)) < set(easy)
    found = places(find_grasps(network(), view, maps, wide))
    assert len(found) == 5 and (12, 12) in found and (13, 13) not in found


def test_mirrored_worlds_have_an_equal_say() -> None:
    view, maps = scene({(3, 3): 4.0, (8, 8): 4.0, (12, 12): 4.0})
    found = find_grasps(network(), view, maps, Search(per_seed=1, finalists=2, moves=0, mirrors=True, spread=0))
    x = found.poses[:, 0, 3].double().numpy()
    expected = 1.0 / (1.0 + np.exp(-(100.0 * (x - 0.15) + 2.0)))  # bonuses 0, 1, 3 and 4
    np.testing.assert_allclose(found.probability[:2], expected[:2], rtol=1e-4)
    assert found.probability[2] <= found.probability[1]


def test_given_poses_are_rated_best_first() -> None:
    view, maps = scene({})
    poses = torch.eye(4).repeat(200, 1, 1)
    poses[:, 0, 3] = torch.from_numpy(np.random.default_rng(0).permutation(200) / 1000.0)
    found = rate_poses(network(), view, maps, poses)
    assert (found.poses[:, 0, 3].diff() < 0.0).all() and len(found.poses) == 200
    torch.testing.assert_close(found.width_m, found.poses[:, 1, 3])


@pytest.mark.parametrize("field", ["seeds", "per_seed", "candidates", "finalists", "moves", "spread"])
def test_a_search_needs_counts(field: str) -> None:
    with pytest.raises(InputError, match="Search"):
        Search(**{field: -1})  # type: ignore[arg-type]


@torch.inference_mode()
def test_a_network_of_random_weights_finds_the_same_grasps_twice() -> None:
    torch.manual_seed(0)
    made = GraspNetwork(SMALL).eval()
    view, _ = scene({})
    view.depth_m[0, 20:40, 20:40] -= 0.04
    one, two = (find_grasps(made, view, made.backbone(*view), Search()) for _ in range(2))
    assert len(one.poses) > 50 and (one.probability.diff() <= 0.0).all()
    for a, b in zip(one, two, strict=True):
        assert torch.equal(a, b) and torch.isfinite(a).all()


# --- moves around a grasp


def test_moves_are_small_rigid_and_the_same_for_every_grasp() -> None:
    poses = transform(Rotation.random(3, np.random.default_rng(0)), np.random.default_rng(1).random((3, 3)))
    out = moved(torch.from_numpy(poses), 40).numpy().reshape(3, 40, 4, 4)
    moves = np.linalg.inv(poses)[:, None] @ out
    np.testing.assert_allclose(moves, np.broadcast_to(moves[:1], moves.shape), atol=1e-6)
    R, shift = moves[0, :, :3, :3], moves[0, :, :3, 3]
    np.testing.assert_allclose(R @ R.transpose(0, 2, 1), np.broadcast_to(np.eye(3), R.shape), atol=1e-6)
    angle = Rotation.from_matrix(R).magnitude()
    assert 0.1 < angle.mean() < 0.45 and angle.max() < 0.7
    np.testing.assert_allclose(shift.std(axis=0), (0.004, 0.006, 0.008), rtol=0.4)
    assert len(np.unique(shift[:, 0])) == 40


def test_moves_are_the_same_every_time_and_may_be_none() -> None:
    poses = torch.eye(4)[None]
    assert torch.equal(moved(poses, 8), moved(poses, 8))
    assert moved(poses, 0).shape == (0, 4, 4) and moved(torch.zeros(0, 4, 4), 8).shape == (0, 4, 4)


# --- weights on disk


@torch.inference_mode()
def test_a_network_comes_back_bit_for_bit(tmp_path: Path) -> None:
    torch.manual_seed(1)
    made = GraspNetwork(SMALL)
    made.calibration.copy_(torch.tensor([1.25, -0.5]))
    for module in made.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None
            module.running_mean.uniform_(-0.1, 0.1)
    made.save(tmp_path / "net.safetensors", {"seed": 7})
    again = GraspNetwork.load(tmp_path / "net.safetensors")
    assert again.spec == SMALL and not again.training
    record = json.loads((tmp_path / "net.json").read_text())
    assert record["seed"] == 7 and record["architecture"]["backbone"]["widths"] == [4, 4, 8, 8]
    ours, theirs = made.state_dict(), again.state_dict()
    assert list(ours) == list(theirs) and all(torch.equal(ours[name], theirs[name]) for name in ours)
    view, _ = scene({})
    for a, b in zip(made.eval().backbone(*view), again.backbone(*view), strict=True):
        assert torch.equal(a, b)
    assert torch.equal(again.probability(torch.tensor([2.0])), torch.tensor(1.25 * 2.0 - 0.5).sigmoid()[None])


def rewritten(path: Path, **changes: object) -> Path:
    record = path.with_suffix(".json")
    record.write_text(json.dumps({**json.loads(record.read_text()), **changes}))
    return path


def test_weights_of_something_else_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    GraspNetwork(SMALL).save(path, {})
    sizes = json.loads(path.with_suffix(".json").read_text())["architecture"]
    wider = {**sizes, "evaluator": {**sizes["evaluator"], "hidden": 16}}
    for change, said in (
        ({"architecture": wider}, "of another architecture"),
        ({"architecture": {"backbone": {}}}, "a record of this architecture"),
        ({"architecture": {**sizes, "backbone": {"depth": 3}}}, "a record of this architecture"),
        ({"architecture": 3}, "a record of this architecture"),
        ({"format": "graspmimic-vgn-1"}, "format"),
    ):
        GraspNetwork(SMALL).save(path, {})
        with pytest.raises(InputError, match=said):
            GraspNetwork.load(rewritten(path, **change))


def test_a_cut_off_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    GraspNetwork(SMALL).save(path, {})
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match="net.safetensors: expected bytes"):
        GraspNetwork.load(path)
