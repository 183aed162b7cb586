"""Policy files: what comes back is what was saved, and damage is named in one line."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from geometry import InputError
from policies.imitation import DataLayout, load_policy_file, make_config, save_policy_file
from policies.imitation.policy_config import PolicyConfig

LAYOUT = DataLayout(
    observations={"observation": (3,), "desired_goal": (2,)},
    action_low=(-1.0, -0.5),
    action_high=(1.0, 0.5),
    summed=(True, False),
)
SMALL = [
    make_config("bc", widths=(16, 8)),
    make_config("bc-rnn", width=16, keys=("observation",)),
    make_config("act", width=16, heads=2, inner=16, chunk=4, group=2, execute=2, ensemble_rate=0.1),
]


def saved(config: PolicyConfig, path: Path) -> Path:
    torch.manual_seed(3)
    policy = config.make(LAYOUT)
    with torch.no_grad():  # a normaliser that is not the fresh one
        for name, buffer in policy.named_buffers():
            if name.endswith(("mean", "middle")):
                buffer.add_(0.1)
    save_policy_file(path, policy, config, LAYOUT, {"env": "graspmimic/Reach-v0"})
    np.save(path.with_suffix(".expected.npy"), actions(policy.eval()))
    return path


def actions(policy: object) -> np.ndarray:
    rng = np.random.default_rng(0)
    rows = [{"observation": rng.normal(size=3), "desired_goal": rng.normal(size=2)} for _ in range(6)]
    return np.stack([policy.select_action(row) for row in rows])  # type: ignore[attr-defined]


@pytest.mark.parametrize("config", SMALL, ids=lambda config: config.kind)
def test_what_comes_back_acts_as_what_was_saved(config: PolicyConfig, tmp_path: Path) -> None:
    path = saved(config, tmp_path / "policy.safetensors")
    loaded = load_policy_file(tmp_path)  # by its folder
    assert loaded.config == config and loaded.layout == LAYOUT and loaded.metadata == {"env": "graspmimic/Reach-v0"}
    np.testing.assert_array_equal(actions(loaded.policy), np.load(path.with_suffix(".expected.npy")))


def test_damaged_and_foreign_files_are_named(tmp_path: Path) -> None:
    path = saved(SMALL[0], tmp_path / "policy.safetensors")
    record = json.loads(path.with_suffix(".json").read_text())

    def rewritten(**changes: object) -> None:
        path.with_suffix(".json").write_text(json.dumps({**record, **changes}))

    for changes, said in (
        ({"kind": "gail"}, "record of a policy"),
        ({"config": {"widths": [16, 8], "depth": 3}}, "record of a policy"),
        ({"config": {"widths": [16, 4]}}, "weights of a BCPolicy"),
        ({"layout": {}}, "record of a policy"),
        ({"format": "graspmimic policy 1"}, "graspmimic imitation policy 1"),
    ):
        rewritten(**changes)
        with pytest.raises(InputError, match=said):
            load_policy_file(path)
    rewritten()
    load_policy_file(path)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(InputError):
        load_policy_file(path)
    with pytest.raises(InputError):
        load_policy_file(tmp_path / "none.safetensors")
