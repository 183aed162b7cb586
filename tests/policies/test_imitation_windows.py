"""Windows of two tiny episodes, against windows written by hand."""

import numpy as np
import pytest
import torch

from geometry import InputError
from policies.demonstrations import Episode
from policies.imitation import Windows


def episode(first: float, steps: int, *, rows: int | None = None) -> Episode:
    """Observation row t is first + t, action t is -(first + t)."""
    seen = first + np.arange(rows or steps, dtype=np.float32)[:, None]
    return Episode(
        observations={"observation": seen, "unused": seen},
        actions=-(first + np.arange(steps, dtype=np.float32))[:, None],
        rewards=np.zeros(steps, np.float32),
        success=True,
    )


def test_windows_are_those_written_by_hand() -> None:
    windows = Windows([episode(10, 3, rows=4), episode(20, 2)], keys=["observation"], history=3, chunk=2)
    assert len(windows) == 5 and list(windows.observations) == ["observation"]
    batch = windows.batch(torch.tensor([0, 1, 2, 3, 4]))
    assert batch.observations["observation"][..., 0].tolist() == [
        [10, 10, 10], [10, 10, 11], [10, 11, 12], [20, 20, 20], [20, 20, 21],
    ]  # fmt: skip
    assert batch.actions[..., 0].tolist() == [[-10, -11], [-11, -12], [-12, -12], [-20, -21], [-21, -21]]
    assert batch.valid.tolist() == [[True, True], [True, True], [True, False], [True, True], [True, False]]
    assert batch.past_actions[..., 0].tolist() == [[-10, -10], [-10, -10], [-10, -11], [-20, -20], [-20, -20]]
    assert batch.past_valid.tolist() == [[False, False], [False, True], [True, True], [False, False], [False, True]]
    assert windows.episode.tolist() == [0, 0, 0, 1, 1]


def test_a_window_of_one_step_is_the_step() -> None:
    batch = Windows([episode(5, 2)], keys=["observation"], history=1, chunk=1).batch(torch.tensor([1]))
    assert batch.observations["observation"].tolist() == [[[6.0]]] and batch.actions.tolist() == [[[-6.0]]]
    assert batch.past_actions.shape == (1, 0, 1) and batch.past_valid.shape == (1, 0)


def test_bad_input_is_named() -> None:
    with pytest.raises(InputError, match="at least one episode"):
        Windows([], keys=["observation"], history=1, chunk=1)
    with pytest.raises(InputError, match="without desired_goal"):
        Windows([episode(0, 2)], keys=["desired_goal"], history=1, chunk=1)
    with pytest.raises(InputError, match="at least 1"):
        Windows([episode(0, 2)], keys=["observation"], history=0, chunk=1)
