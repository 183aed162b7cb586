"""Scales against numbers worked out by hand, and what the encoder of vectors makes of them."""

import numpy as np
import pytest
import torch

from geometry import InputError
from policies.demonstrations import Episode
from policies.imitation import DataLayout, Windows
from policies.imitation.encoder import StateEncoder
from policies.imitation.normalizer import ActionScale, Normalizer


def test_mean_and_deviation_are_those_of_the_table() -> None:
    scale = Normalizer(2, floor=0.5, limit=2.5)
    scale.fit(torch.tensor([[[1.0, 7.0], [2.0, 7.0]], [[3.0, 7.0], [6.0, 7.0]]]))  # means 3, 7; variances 3.5, 0
    assert scale.mean.tolist() == [3.0, 7.0]
    assert scale.deviation.tolist() == pytest.approx([3.5**0.5, 0.5])  # what hardly varies keeps the floor
    assert scale(torch.tensor([3.0 + 3.5**0.5, 8.0])).tolist() == pytest.approx([1.0, 2.0])
    assert scale(torch.tensor([-99.0, 99.0])).tolist() == [-2.5, 2.5]


def test_actions_lie_between_their_demonstrated_ends_and_come_back_within_the_bounds() -> None:
    bounds = DataLayout(observations={}, action_low=(-1.0,) * 3, action_high=(1.0,) * 3)
    scale = ActionScale(bounds, floor=0.1)
    actions = torch.tensor([[-0.5, -1.0, 0.3], [0.1, 1.0, 0.3], [0.7, 0.0, 0.3]])
    scale.fit(actions)
    wanted = [[-1.0, -1.0, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    torch.testing.assert_close(scale.scaled(actions), torch.tensor(wanted))
    torch.testing.assert_close(scale.unscaled(torch.tensor(wanted)), actions)
    assert scale.unscaled(torch.tensor([3.0, -3.0, 20.0])).tolist() == [1.0, -1.0, 1.0]
    assert scale.scaled(torch.tensor([0.1, 0.0, 0.4]))[2] == pytest.approx(1.0)  # the floor, a tenth of the half width


def layout(**shapes: tuple[int, ...]) -> DataLayout:
    return DataLayout(observations=shapes, action_low=(-1.0,), action_high=(1.0,))


def test_the_way_to_the_goal_is_a_feature() -> None:
    rng = np.random.default_rng(0)
    seen = {
        key: rng.normal(size=(50, 3)).astype(np.float32) for key in ("observation", "achieved_goal", "desired_goal")
    }
    episode = Episode(observations=seen, actions=np.zeros((50, 1), np.float32), rewards=np.zeros(50, np.float32),
                      success=True)  # fmt: skip
    encoder = StateEncoder(layout(observation=(3,), achieved_goal=(3,), desired_goal=(3,)), tuple(seen))
    encoder.fit(Windows([episode], keys=tuple(seen), history=1, chunk=1))
    parts = encoder.parts({key: torch.from_numpy(table) for key, table in seen.items()})
    way = seen["desired_goal"] - seen["achieved_goal"]
    np.testing.assert_allclose(parts["to_goal"].numpy(), (way - way.mean(0)) / way.std(0), atol=1e-5)
    shifted = {key: torch.from_numpy(table) + (0.0 if key == "observation" else 0.4) for key, table in seen.items()}
    torch.testing.assert_close(encoder.parts(shifted)["to_goal"], parts["to_goal"], atol=1e-5, rtol=0.0)


def test_policies_that_see_by_camera_are_not_told_where_things_are() -> None:
    by_state = layout(observation=(9,), achieved_goal=(3,), desired_goal=(3,))
    by_camera = layout(observation=(4,), achieved_goal=(3,), desired_goal=(3,), pointcloud=(1536,))
    assert by_state.vectors == ("observation", "achieved_goal", "desired_goal")
    assert by_camera.vectors == ("observation", "desired_goal")


def test_bad_layouts_are_named() -> None:
    with pytest.raises(InputError, match="a vector 'depth'"):
        StateEncoder(layout(depth=(1, 4, 4)), ("depth",))
    with pytest.raises(InputError, match="action_low < action_high"):
        DataLayout(observations={}, action_low=(1.0,), action_high=(1.0,))
    with pytest.raises(InputError, match="finite bounds"):
        DataLayout(observations={}, action_low=(float("-inf"),), action_high=(1.0,))
