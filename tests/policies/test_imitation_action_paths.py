"""Paths of chunks, against sums and deviations worked out by hand."""

import numpy as np
import pytest
import torch

from geometry import InputError
from policies.demonstrations import Episode, SetInfo
from policies.imitation import DataLayout, Windows
from policies.imitation.action_paths import ActionPaths

LAYOUT = DataLayout(observations={"x": (1,)}, action_low=(-1.0, -1.0), action_high=(1.0, 1.0), summed=(True, False))


def windows_of(actions: list[list[float]]) -> Windows:
    table = np.array(actions, np.float32)
    seen = {"x": np.zeros((len(table), 1), np.float32)}
    episode = Episode(observations=seen, actions=table, rewards=np.zeros(len(table), np.float32), success=True)
    return Windows([episode], keys=["x"], history=1, chunk=2)


def test_every_step_has_the_mean_and_deviation_of_the_paths_that_reach_it() -> None:
    paths = ActionPaths(LAYOUT, 2)
    paths.fit(windows_of([[0.5, 1.0], [0.1, 1.0], [0.9, -1.0]]))
    # summed: first steps 0.5, 0.1, 0.9; second steps 0.5 + 0.1, 0.1 + 0.9. Not summed: 1, 1, -1; then 1, -1.
    np.testing.assert_allclose(paths.mean, [[0.5, 1 / 3], [0.8, 0.0]], atol=1e-6)
    np.testing.assert_allclose(paths.deviation, [[(0.32 / 3) ** 0.5, (8 / 9) ** 0.5], [0.2, 1.0]], atol=1e-6)


def test_what_hardly_varies_keeps_the_floor() -> None:
    paths = ActionPaths(LAYOUT, 2)
    paths.fit(windows_of([[0.5, 1.0]] * 4))
    np.testing.assert_allclose(paths.deviation, 0.05, atol=1e-6)


def test_actions_come_back_and_keep_to_their_bounds() -> None:
    rng = np.random.default_rng(0)
    paths = ActionPaths(LAYOUT, 2)
    paths.fit(windows_of(rng.uniform(-1, 1, (30, 2)).tolist()))
    actions = torch.from_numpy(rng.uniform(-1, 1, (5, 2, 2)).astype(np.float32))
    torch.testing.assert_close(paths.unscaled(paths.scaled(actions)), actions, atol=1e-5, rtol=0.0)
    assert paths.unscaled(torch.full((1, 2, 2), 50.0)).abs().max() <= 1.0


def test_a_set_tells_which_actions_sum_up() -> None:
    info = SetInfo(
        rate_hz=25.0,
        action_names=("hand displacement x", "hand yaw", "joint 3 speed", "gripper opening, -1 closed", "torque"),
        action_low=(-1.0,) * 5,
        action_high=(1.0,) * 5,
        observation_names={"observation": ()},
        observation_shapes={"observation": (4,)},
        observation_dtypes={"observation": "float32"},
    )  # fmt: skip
    assert DataLayout.of_info(info).summed == (True, True, True, False, False)
    with pytest.raises(InputError, match="summed of none or all of 2"):
        DataLayout(observations={}, action_low=(0.0, 0.0), action_high=(1.0, 1.0), summed=(True,))
