"""Losses, the examples that the evaluator learns from, and sensor faults, against numbers worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from geometry import InputError, transform
from perception.grasping.network import DEPTHS_M, ORIENTATIONS, view_rotation
from perception.grasping.network.backbone import SceneMaps, SeedGrid
from perception.grasping.network.evaluator import GraspRatings
from perception.grasping.training.augment import NO_FAULTS, SensorFaults, add_faults
from perception.grasping.training.dataset import Batch, GraspDataset
from perception.grasping.training.examples import Examples, draw_examples
from perception.grasping.training.losses import LossWeights, graspness_target, scene_terms, trial_terms, weighted

NAN = math.nan


def entropy(logit: float, target: float) -> float:
    """Binary cross entropy of one word."""
    p = 1.0 / (1.0 + math.exp(-logit))
    return -target * math.log(p) - (1.0 - target) * math.log(1.0 - p)


# --- the evaluator's terms


def ratings(count: int, logit: float = 0.0, **changes: Tensor) -> GraspRatings:
    fields = ("success_logit", "quality_logit", "offset_m", "width_m", "com_m")
    return GraspRatings(**{**{name: torch.full((count,), logit) for name in fields}, **changes})


def examples(count: int, **changes: list[float]) -> Examples:
    unknown = {name: [NAN] * count for name in ("success", "quality", "com_m", "width_m", "offset_m")}
    known = {name: torch.tensor(values) for name, values in {**unknown, **changes}.items()}
    return Examples(torch.zeros(count, dtype=torch.int64), torch.eye(4).repeat(count, 1, 1), **known)


def test_only_what_is_known_counts() -> None:
    said = ratings(
        3,
        success_logit=torch.tensor([2.0, -1.0, 50.0]),
        quality_logit=torch.tensor([0.5, 70.0, -1.5]),
        com_m=torch.tensor([0.01, 0.09, 0.03]),
        width_m=torch.tensor([0.04, 0.05, 0.0]),
        offset_m=torch.tensor([0.001, -0.003, 0.0]),
    )
    known = examples(
        3,
        success=[1.0, 0.0, NAN],
        quality=[0.3, NAN, 0.9],
        com_m=[0.02, NAN, 0.03],
        width_m=[0.06, 0.05, NAN],
        offset_m=[0.0, NAN, NAN],
    )
    terms = trial_terms(said, known)
    assert terms["success"].item() == pytest.approx((entropy(2.0, 1.0) + entropy(-1.0, 0.0)) / 2)
    assert terms["rated_quality"].item() == pytest.approx((entropy(0.5, 0.3) + entropy(-1.5, 0.9)) / 2)
    assert terms["balance"].item() == pytest.approx((0.5 + 0.0) / 2)
    assert terms["rated_place"].item() == pytest.approx((1.0 + 0.0) / 2 + 0.05)


def test_distances_are_bounded() -> None:
    terms = trial_terms(ratings(1, com_m=torch.tensor([9.0])), examples(1, com_m=[0.0]))
    assert terms["balance"].item() == 5.0


def test_nothing_known_is_no_loss_and_no_gradient() -> None:
    logit = torch.zeros(4, requires_grad=True)
    terms = trial_terms(GraspRatings(*[1.0 * logit] * 5), examples(4))
    total = weighted(terms, LossWeights()).total
    assert total.item() == 0.0
    torch.autograd.backward(total)
    assert logit.grad is not None and not logit.grad.any()


# --- the backbone's terms


def batch_of(depth_m: Tensor, exit_m: Tensor, quality: Tensor, seeds: Tensor, width_m: Tensor | None = None) -> Batch:
    nothing = torch.zeros(0)
    width = torch.zeros(quality.shape[:3]) if width_m is None else width_m
    return Batch(
        depth_m=depth_m,
        exit_m=exit_m,
        is_object=exit_m > 0.0,
        focal=torch.full((len(depth_m),), 250.0),
        T_table_camera=torch.eye(4).repeat(len(depth_m), 1, 1),
        seeds=seeds,
        quality=quality,
        width_m=width,
        offset_m=-0.1 * width,
        trial_image=nothing.long(),
        trial_pose=torch.zeros(0, 4, 4),
        trial_success=nothing,
        trial_quality=nothing,
        trial_com_m=nothing,
    )


def small_batch(**changes: Any) -> tuple[SceneMaps, SeedGrid, Batch]:
    """One image of 8 x 8 pixels: the left half is an object 0.03 m thick at 0.5 m, two seeds and one padding."""
    depth = torch.full((1, 8, 8), 0.5)
    leave = torch.zeros(1, 8, 8)
    leave[:, :, :4] = 0.53
    quality = torch.zeros(1, 3, 288, 4)
    quality[0, 0, 7, 1] = 0.8
    quality[0, 0, 8, 2] = 0.1  # too poor for its place to matter
    quality[0, 2] = 1.0  # of the padding
    width = torch.zeros(1, 3, 288)
    width[0, 0, 7] = 0.05
    seeds = torch.tensor([[[1.0, 2.0], [6.0, 1.0], [-1.0, -1.0]]])
    front = torch.full((1, 4, 4), 0.5)
    maps = SceneMaps(front, front + 0.03, torch.zeros(1, 4, 4), torch.zeros(1, 2, 2), torch.zeros(1, 1, 2, 2))
    grid = SeedGrid(torch.zeros(1, 3, 288, 4), torch.full((1, 3, 288), 0.03), torch.zeros(1, 3, 288))
    made = batch_of(depth, leave, quality, seeds, width)
    return maps._replace(**changes.get("maps", {})), grid, made._replace(**changes.get("batch", {}))


def test_terms_of_the_scene_by_hand() -> None:
    front = torch.full((1, 4, 4), 0.5)
    front[0, 0, 0], front[0, 3, 3] = 0.502, 0.9
    leave = torch.full((1, 4, 4), 0.53)
    leave[0, 0, 0] = 0.547  # 0.045 thick, 0.015 too much
    logit = torch.full((1, 4, 4), -1.0)
    logit[..., :2] = 3.0
    graspness = torch.tensor([[[1.0, -2.0], [0.5, -3.0]]])
    maps, grid, batch = small_batch(
        maps={"front_m": front, "exit_m": leave, "object_logit": logit, "graspness_logit": graspness}
    )
    grid.quality_logit[:, 0] = 0.4
    grid.quality_logit[:, 1] = -1.2
    grid.quality_logit[:, 2] = 99.0
    terms = {name: value.item() for name, value in scene_terms(maps, grid, batch).items()}
    size = 288 * 4
    first = (entropy(0.4, 0.8) + entropy(0.4, 0.1) + (size - 2) * entropy(0.4, 0.0)) / size
    assert terms["quality"] == pytest.approx((first + entropy(-1.2, 0.0)) / 2, rel=1e-4)
    assert terms["front"] == pytest.approx((0.2 + 5.0) / 16, rel=1e-3)  # 0.4 m off counts as 5 cm
    assert terms["exit"] == pytest.approx(0.5 / 8, rel=1e-3)
    assert terms["is_object"] == pytest.approx((entropy(3.0, 1.0) + entropy(-1.0, 0.0)) / 2, rel=1e-4)
    assert terms["place"] == pytest.approx((0.05 - 0.03) / 0.02 + 0.005 / 0.02, rel=1e-4)
    at_seeds = (entropy(1.0, 0.9 / 24) + entropy(0.5, 0.0)) / 2
    elsewhere = (entropy(-2.0, 0.0) + entropy(-3.0, 0.0)) / 2
    assert terms["graspness"] == pytest.approx(at_seeds + 0.5 * elsewhere, rel=1e-4)


def test_graspness_is_the_mean_of_the_best_24() -> None:
    quality = torch.zeros(1, 2, 288, 4)
    quality[0, 0].view(-1)[::40] = torch.linspace(0.1, 1.0, 29)
    expected = np.sort(np.linspace(0.1, 1.0, 29))[-24:].mean()
    assert graspness_target(quality)[0].tolist() == pytest.approx([expected, 0.0])


def test_holes_do_not_teach_depth() -> None:
    depth, leave = torch.full((1, 8, 8), 0.5), torch.zeros(1, 8, 8)
    depth[0, 0, 0] = 0.0
    leave[:, :, :4] = 0.53
    front = torch.full((1, 4, 4), 0.5)
    front[0, 0, 0] = 7.0
    maps, grid, batch = small_batch(
        maps={"front_m": front, "exit_m": front + 0.03}, batch={"depth_m": depth, "exit_m": leave}
    )
    terms = scene_terms(maps, grid, batch)
    assert terms["front"].item() == 0.0 and terms["exit"].item() == pytest.approx(0.0, abs=1e-5)


def test_a_batch_in_which_nothing_works_has_a_finite_loss() -> None:
    quality, seeds, nothing = torch.zeros(1, 3, 288, 4), -torch.ones(1, 3, 2), torch.zeros(1, 8, 8)
    for change in (
        {"quality": quality},
        {"seeds": seeds},
        {"exit_m": nothing, "is_object": nothing > 0.0},
        {"depth_m": nothing},
    ):
        maps, grid, batch = small_batch(batch=change)
        terms = scene_terms(maps, grid, batch)
        assert all(torch.isfinite(value) for value in terms.values()), change


def test_the_sum_is_weighted() -> None:
    terms = {"quality": torch.tensor(2.0), "success": torch.tensor(3.0), "balance": torch.tensor(5.0)}
    loss = weighted(terms, LossWeights(quality=8.0, success=2.0, balance=0.1))
    assert loss.total.item() == pytest.approx(16.0 + 6.0 + 0.5) and loss.terms is terms


# --- examples


def drawn(data: Any, per_kind: int = 8, believed: Tensor | None = None) -> tuple[Batch, Examples]:
    batch = GraspDataset(data.folder).batch([0, 1], np.random.default_rng(0))
    logit = torch.zeros_like(batch.quality) if believed is None else believed
    grid = SeedGrid(logit, batch.width_m, batch.offset_m)
    torch.manual_seed(0)
    return batch, draw_examples(batch, grid, per_kind)


def test_trials_come_first_with_their_outcomes(grasp_data: Callable[..., Any]) -> None:
    batch, found = drawn(grasp_data(2))
    count = len(batch.trial_pose)
    assert torch.equal(found.poses[:count], batch.trial_pose) and torch.equal(found.image[:count], batch.trial_image)
    assert torch.equal(found.success[:count], batch.trial_success)
    assert torch.equal(found.quality[:count], batch.trial_quality)
    assert found.success[count:].isnan().all() and found.com_m[count:].isnan().all()
    assert found.width_m[:count].isnan().all() and found.offset_m[:count].isnan().all()
    assert not found.quality.isnan().any() and len({len(value) for value in found}) == 1


def test_entries_of_the_grid_stand_where_their_labels_say(grasp_data: Callable[..., Any]) -> None:
    batch, found = drawn(grasp_data(2), per_kind=30)
    count = len(batch.trial_pose)
    assert 60 < len(found.poses) - count <= 2 * 3 * 30
    middle = np.array([0.5 * (n - 1) for n in batch.depth_m.shape[1:]])
    grids = []
    for b in range(2):  # every pose of the grid, composed anew in double precision
        T = batch.T_table_camera[b].double().numpy()
        pixels = batch.seeds[b, :-2].numpy()
        depth = batch.depth_m[b].numpy()[pixels[:, 0].astype(int), pixels[:, 1].astype(int)]
        away = (pixels - middle) / float(batch.focal[b])
        points = (depth[:, None] * np.stack([away[:, 1], away[:, 0], np.ones(len(away))], axis=-1)) @ T[:3, :3].T
        R = view_rotation(T) @ ORIENTATIONS
        origin = (points + T[:3, 3])[:, None, None] + DEPTHS_M[:, None] * R[:, None, :, 2]
        grids.append(transform(np.broadcast_to(R[:, None], (*origin.shape, 3)), origin).reshape(-1, 4, 4))
    for i in range(count, len(found.poses)):
        b = int(found.image[i])
        off = np.abs(grids[b] - found.poses[i].double().numpy()).max(axis=(1, 2))
        assert off.min() < 1e-5
        s, k, d = np.unravel_index(int(off.argmin()), (len(batch.seeds[b]) - 2, 288, 4))
        assert found.quality[i] == batch.quality[b, s, k, d]
        if batch.quality[b, s, k, d] > 0.0:
            assert found.width_m[i] == batch.width_m[b, s, k] and found.offset_m[i] == batch.offset_m[b, s, k]
        else:
            assert found.width_m[i].isnan() and found.offset_m[i].isnan()


def test_a_third_works_and_false_hopes_are_drawn(grasp_data: Callable[..., Any]) -> None:
    data = grasp_data(2)
    hope = torch.zeros(2, data.seeds, 288, 4)
    hope[:, 2, 250:260] = 30.0  # of a seed where nothing of the kind works
    batch, found = drawn(data, per_kind=20, believed=hope)
    quality = found.quality[len(batch.trial_pose) :]
    assert int((quality > 0.0).sum()) >= 2 * 20
    T = batch.T_table_camera[0].double().numpy()
    hoped = (view_rotation(T) @ ORIENTATIONS[250:260])[:, :, 2]
    approach = found.poses[len(batch.trial_pose) :, :3, 2].double().numpy()
    assert int((np.abs(approach[:, None] - hoped).max(axis=-1).min(axis=1) < 1e-5).sum()) >= 2 * 20
    assert int((quality == 0.0).sum()) >= 2 * 20


# --- sensor faults

ONLY = {"dex": 0.0, "structured_light": 0.0, "independent": 0.0, "scale": 0.0, "table_m": 0.0}


def noisy(count: int = 60, *, seed: int = 0, **faults: Any) -> tuple[Tensor, Tensor]:
    """Faulty copies of a level surface at 0.5 m with a hole, and poses."""
    depth = torch.full((count, 48, 48), 0.5)
    depth[:, 10:14, 10:14] = 0.0
    poses = torch.eye(4).repeat(count, 1, 1)
    out = add_faults(depth, poses, SensorFaults(**{**ONLY, **faults}), torch.Generator().manual_seed(seed))
    assert not out[0][:, 10:14, 10:14].any(), "holes stay holes"
    assert torch.isfinite(out[0]).all() and (depth[:, 0] == 0.5).all() and torch.equal(poses[0], torch.eye(4))
    return out


def test_no_faults_leave_the_image_alone() -> None:
    assert NO_FAULTS.none() and not SensorFaults().none()
    depth, poses = torch.rand(2, 48, 48), torch.rand(2, 4, 4)
    assert add_faults(depth, poses, NO_FAULTS, torch.Generator())[0] is depth
    out, T = add_faults(depth, poses, SensorFaults(**{**ONLY, "table_m": 0.01}), torch.Generator().manual_seed(0))
    assert torch.equal(out, depth) and not torch.equal(T, poses)


def test_the_same_generator_gives_the_same_noise() -> None:
    everything = {"dex": 0.4, "structured_light": 0.3, "independent": 0.2, "scale": 0.003, "table_m": 0.002}
    one, two, other = (noisy(20, seed=seed, **everything) for seed in (1, 1, 2))
    assert torch.equal(one[0], two[0]) and torch.equal(one[1], two[1]) and not torch.equal(one[0], other[0])


def test_the_benchmarks_noise_is_a_smooth_field_in_six_images_of_ten() -> None:
    depth, _ = noisy(400, dex=1.0, field_m=(0.005, 0.005))
    seen = depth[:, 20:, :] - 0.5
    touched = seen.abs().amax(dim=(1, 2)) > 0.0
    assert 0.52 < touched.float().mean() < 0.68
    field = seen[touched]
    assert 0.0025 < field.std() < 0.0055  # interpolation lessens the middle between two cells
    assert abs(float(field.mean())) < 1e-4
    neighbours = (field[:, :, 1:] * field[:, :, :-1]).mean() / field.var()
    far = (field[:, :, 12:] * field[:, :, :-12]).mean() / field.var()
    assert neighbours > 0.6 and abs(float(far)) < 0.05


def test_the_scale_error_is_one_number_for_each_image() -> None:
    depth, _ = noisy(500, dex=1.0, field_m=(0.0, 0.0), scale=0.01)
    factor = depth[:, 20:, :] / 0.5
    assert factor.std(dim=(1, 2)).max() < 1e-6
    each = factor[:, 0, 0]
    assert each.std().item() == pytest.approx(0.01, rel=0.12) and abs(float(each.mean()) - 1.0) < 0.002


def test_independent_noise_is_of_a_millimetre_and_white() -> None:
    depth, _ = noisy(200, independent=1.0)
    seen = depth[:, 20:, :] - 0.5
    spread = seen.std(dim=(1, 2))
    assert 0.0003 < spread.min() < 0.0006 and 0.0012 < spread.max() < 0.0015
    assert abs(float((seen[:, :, 1:] * seen[:, :, :-1]).mean() / seen.var())) < 0.01


def test_structured_light_has_steps_and_loses_pixels() -> None:
    depth, _ = noisy(100, structured_light=1.0)
    seen = depth[:, 20:, :]
    lost = (seen == 0.0).float().mean(dim=(1, 2))
    assert 0.0 < lost.mean() < 0.2
    error = (seen - 0.5)[seen > 0.0]
    assert error.abs().max() < 0.004
    assert max(len(image[image > 0.0].unique()) for image in seen) <= 5


def test_structured_light_loses_edges() -> None:
    depth = torch.full((50, 48, 48), 0.5)
    depth[:, :, 24:] = 0.55
    out, _ = add_faults(
        depth, torch.eye(4).repeat(50, 1, 1), SensorFaults(**{**ONLY, "structured_light": 1.0}), torch.Generator()
    )
    lost = (out == 0.0).float().mean(dim=(0, 1))
    assert lost[23:25].mean() > 0.2 + lost[:20].mean()


def test_shares_mix_kinds_and_the_rest_stays_clean() -> None:
    depth, poses = noisy(600, independent=0.3)
    clean = ((depth[:, 20:, :] - 0.5).abs().amax(dim=(1, 2)) == 0.0).float().mean()
    assert 0.63 < clean < 0.77
    assert torch.equal(poses, torch.eye(4).repeat(600, 1, 1))


def test_the_table_is_off_by_its_own_error() -> None:
    _, poses = noisy(1000, table_m=0.002)
    off = poses - torch.eye(4)
    assert off[:, 2, 3].std().item() == pytest.approx(0.002, rel=0.1)
    off[:, 2, 3] = 0.0
    assert not off.any()


@pytest.mark.parametrize("shares", [{"dex": 0.6, "structured_light": 0.6}, {"independent": -0.1}])
def test_shares_beyond_all_or_nothing_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(InputError, match="SensorFaults"):
        SensorFaults(**shares)
