r"""What robomimic itself makes of an exported file: run by hand, in an environment of its own.

robomimic is no dependency of graspmimic, and pytest does not collect this file. robomimic 0.3.0 is the newest on the
registry; it builds egl_probe with cmake.

    python3.11 -m venv robomimic_env
    robomimic_env/bin/pip install torch==2.13.0 'numpy<2.3'
    robomimic_env/bin/pip install --no-deps torchvision==0.28.0
    robomimic_env/bin/pip install robomimic==0.3.0 torch==2.13.0 torchvision==0.28.0 'numpy<2.3' six

    graspmimic dataset export SET --format robomimic --output THERE.hdf5
    robomimic_env/bin/python tests/compatibility/read_with_robomimic.py THERE.hdf5 SET
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

library = torch.library.Library("torchvision", "DEF")  # torchvision without its compiled part registers these two
for operator in ("nms", "qnms"):
    library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

import robomimic.utils.obs_utils as obs_utils  # noqa: E402
import robomimic.utils.tensor_utils as tensor_utils  # noqa: E402
from robomimic.algo import algo_factory  # noqa: E402
from robomimic.config import config_factory  # noqa: E402
from robomimic.utils.dataset import SequenceDataset  # noqa: E402
from robomimic.utils.file_utils import get_env_metadata_from_dataset, get_shape_metadata_from_dataset  # noqa: E402

SEQUENCE = 10


def main(there: Path, ours: Path) -> None:
    """Compare every sequence with the .npz files of the set, then train BC-RNN for a while."""
    files = [dict(np.load(path, allow_pickle=False).items()) for path in sorted((ours / "episodes").glob("*.npz"))]
    keys = [name.removeprefix("seen/") for name, t in files[0].items() if name.startswith("seen/") and t.ndim == 2]
    config = config_factory("bc")
    with config.values_unlocked():
        config.observation.modalities.obs.low_dim = keys
        config.algo.rnn.enabled = True
        config.algo.rnn.horizon = SEQUENCE
        config.algo.gmm.enabled = True
    obs_utils.initialize_obs_utils_with_config(config)
    print("environment:", get_env_metadata_from_dataset(str(there)))
    data = SequenceDataset(
        str(there), obs_keys=keys, dataset_keys=("actions", "rewards", "dones"), seq_length=SEQUENCE,
        load_next_obs=True, hdf5_use_swmr=False, get_pad_mask=True,
    )  # fmt: skip
    assert len(data) == sum(len(file["actions"]) for file in files)
    place = 0
    for file in files:
        steps = len(file["actions"])
        for step in range(steps):
            item, rows = data[place + step], np.minimum(step + np.arange(SEQUENCE), steps - 1)
            assert np.array_equal(item["actions"], file["actions"][rows])
            assert item["pad_mask"].reshape(-1).tolist() == [step + i < steps for i in range(SEQUENCE)]
            for key in keys:
                assert np.array_equal(item["obs"][key], file[f"seen/{key}"][rows]), key
                assert np.array_equal(item["next_obs"][key], file[f"seen/{key}"][rows + 1]), key
        place += steps
    print(f"{len(files)} episodes, {place} sequences of {SEQUENCE}: every number agrees: {', '.join(keys)}")
    for mask in ("train", "valid"):
        part = SequenceDataset(
            str(there), obs_keys=keys, dataset_keys=("actions",), filter_by_attribute=mask, hdf5_use_swmr=False
        )
        print(f"mask/{mask}: {len(part.demos)} demos")
    train(there, keys, config, data)


def train(there: Path, keys: list[str], config: object, data: SequenceDataset) -> None:
    """BC-RNN-GMM takes fifty steps."""
    shapes = get_shape_metadata_from_dataset(str(there), all_obs_keys=keys)
    torch.manual_seed(0)
    device = torch.device("cpu")
    model = algo_factory("bc", config, shapes["all_shapes"], shapes["ac_dim"], device)
    model.set_train()
    loader = torch.utils.data.DataLoader(data, batch_size=16, shuffle=True, drop_last=True)
    losses: list[float] = []
    while len(losses) < 50:
        for batch in loader:
            info = model.train_on_batch(model.process_batch_for_training(batch), epoch=1)
            losses.append(float(tensor_utils.to_numpy(info["losses"]["action_loss"])))
    assert np.isfinite(losses).all() and np.mean(losses[-5:]) < np.mean(losses[:5]), losses
    print(f"robomimic's BC-RNN-GMM took {len(losses)} steps: loss {losses[0]:.3f} to {losses[-1]:.3f}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: read_with_robomimic.py FILE.hdf5 OUR_SET")
    main(Path(sys.argv[1]), Path(sys.argv[2]))
