r"""What LeRobot itself makes of a data set: run by hand, in an environment of its own.

LeRobot is no dependency of graspmimic, and pytest does not collect this file. lerobot 0.4.4 is the newest that Python
3.11 takes. Its own pins bring another torch and four gigabytes of CUDA; this is enough:

    python3.11 -m venv lerobot_env
    lerobot_env/bin/pip install torch==2.13.0
    lerobot_env/bin/pip install --no-deps lerobot==0.4.4 torchvision==0.28.0
    lerobot_env/bin/pip install datasets huggingface_hub einops draccus packaging jsonlines imageio imageio-ffmpeg av \
        opencv-python-headless pyarrow pandas deepdiff gymnasium safetensors termcolor diffusers accelerate \
        pyserial 'numpy<2.3'

Ours, read by LeRobot; every number is compared with the .npz files of the set, which NumPy reads:

    graspmimic dataset export SET --format lerobot --output THERE
    HF_HUB_OFFLINE=1 lerobot_env/bin/python tests/compatibility/read_with_lerobot.py compare THERE SET

Films (`--videos`) need torchcodec==0.13 as well, and the libraries of FFmpeg 4 to 8 where it finds them.

LeRobot's, read by us:

    HF_HUB_OFFLINE=1 lerobot_env/bin/python tests/compatibility/read_with_lerobot.py write THERE
    graspmimic dataset import THERE --output SET
    HF_HUB_OFFLINE=1 lerobot_env/bin/python tests/compatibility/read_with_lerobot.py compare THERE SET
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

library = torch.library.Library("torchvision", "DEF")  # torchvision without its compiled part registers these two
for operator in ("nms", "qnms"):
    library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

from lerobot.configs.types import FeatureType  # noqa: E402
from lerobot.datasets.lerobot_dataset import LeRobotDataset  # noqa: E402
from lerobot.datasets.utils import dataset_to_policy_features  # noqa: E402
from lerobot.policies.act.configuration_act import ACTConfig  # noqa: E402
from lerobot.policies.act.modeling_act import ACTPolicy  # noqa: E402
from lerobot.policies.factory import make_pre_post_processors  # noqa: E402

CHUNK = 16


def compare(there: Path, ours: Path) -> None:
    """See that LeRobot reads what our own files hold."""
    files = sorted((ours / "episodes").glob("*.npz"))
    whole = LeRobotDataset("local/set", root=there)
    assert whole.num_episodes == len(files), (whole.num_episodes, len(files))
    columns = column_names(there, whole)
    for number, path in enumerate(files):
        with np.load(path, allow_pickle=False) as file:
            compare_episode(there, number, dict(file.items()), columns)
    print(f"{len(files)} episodes, {whole.num_frames} frames: slices and every number agree: {', '.join(columns)}")
    compare_chunks(there, files)
    take_a_training_step(there)


def column_names(there: Path, whole: LeRobotDataset) -> dict[str, str]:
    """Our key for each column."""
    own = there / "meta" / "graspmimic.json"
    if own.exists():
        return {each["column"]: each["key"] for each in json.loads(own.read_text())["observations"]}
    names = [name for name in whole.features if name.startswith("observation.")]
    keys = [name.removeprefix("observation.images.").removeprefix("observation.") for name in names]
    return {name: "observation" if key == "state" else key for name, key in zip(names, keys, strict=True)}


def compare_episode(there: Path, number: int, file: dict[str, Any], columns: dict[str, str]) -> None:
    """One episode, sliced by LeRobot, bit by bit."""
    episode = LeRobotDataset("local/set", root=there, episodes=[number])
    steps = len(file["actions"])
    assert len(episode) == steps, (number, len(episode), steps)
    header = json.loads(str(file["header"]))
    rows = [episode[i] for i in range(steps)]
    assert {row["task"] for row in rows} == {header["task"]}, number
    same(stacked(rows, "action"), file["actions"], f"actions of {number}")
    if "next.reward" in rows[0]:
        same(stacked(rows, "next.reward").reshape(-1), file["rewards"], f"rewards of {number}")
        assert bool(rows[-1]["next.success"]) == header["success"]
    times = stacked(rows, "timestamp")
    assert np.array_equal(times, (np.arange(steps) / episode.fps).astype(np.float32))
    for column, key in columns.items():
        was, got = file[f"seen/{key}"][:steps], stacked(rows, column)
        if episode.features[column]["dtype"] in ("image", "video"):  # LeRobot gives (C, H, W) in [0, 1]
            got = np.rint(255.0 * got).astype(np.uint8)
        if episode.features[column]["dtype"] == "video":  # which loses something
            apart = np.abs(got.astype(float) - was).mean((1, 2, 3))
            assert apart.max() < 3.0, (column, number, apart.max())
            continue
        same(got.reshape(was.shape), was, f"{column} of {number}")


def stacked(rows: list[dict[str, torch.Tensor]], column: str) -> np.ndarray:
    return torch.stack([row[column] for row in rows]).numpy()


def same(got: np.ndarray, was: np.ndarray, what: str) -> None:
    assert got.shape == was.shape and got.dtype == was.dtype, (what, got.shape, was.shape, got.dtype, was.dtype)
    assert got.tobytes() == np.ascontiguousarray(was).tobytes(), what


def compare_chunks(there: Path, files: list[Path]) -> None:
    """Chunks of actions by delta_timestamps, padded at the end of an episode."""
    fps = LeRobotDataset("local/set", root=there).fps
    windows = LeRobotDataset("local/set", root=there, delta_timestamps={"action": [i / fps for i in range(CHUNK)]})
    place = 0
    for path in files:
        with np.load(path, allow_pickle=False) as file:
            actions = file["actions"]
        for step in {0, len(actions) // 2, len(actions) - 1}:
            item = windows[place + step]
            wanted = np.minimum(step + np.arange(CHUNK), len(actions) - 1)
            same(item["action"].numpy(), actions[wanted], f"chunk of {path.name} at {step}")
            assert item["action_is_pad"].tolist() == [step + i >= len(actions) for i in range(CHUNK)]
        place += len(actions)
    print(f"chunks of {CHUNK} actions and action_is_pad agree")


def take_a_training_step(there: Path) -> None:
    """LeRobot's ACT, normalised by our statistics, learns from it."""
    names = dataset_to_policy_features(LeRobotDataset("local/set", root=there).features)
    inputs = {
        name: feature
        for name, feature in names.items()
        if name in ("observation.state", "observation.environment_state")
    }
    outputs = {name: feature for name, feature in names.items() if feature.type is FeatureType.ACTION}
    config = ACTConfig(
        input_features=inputs, output_features=outputs, chunk_size=CHUNK, n_action_steps=8, dim_model=64, n_heads=4,
        dim_feedforward=128, device="cpu", use_vae=False, pretrained_backbone_weights=None,
    )  # fmt: skip
    fps = LeRobotDataset("local/set", root=there).fps
    data = LeRobotDataset("local/set", root=there, delta_timestamps={"action": [i / fps for i in range(CHUNK)]})
    torch.manual_seed(0)
    policy = ACTPolicy(config)
    prepare, _ = make_pre_post_processors(config, dataset_stats=data.meta.stats)
    batch = next(iter(torch.utils.data.DataLoader(data, batch_size=16, shuffle=True)))
    optimizer = torch.optim.Adam(policy.parameters(), lr=1e-3)
    losses = []
    for _ in range(20):
        loss, _ = policy.forward(prepare(dict(batch)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert np.isfinite(losses).all() and losses[-1] < losses[0], losses
    print(f"LeRobot's ACT took {len(losses)} steps on {', '.join(inputs)}: loss {losses[0]:.3f} to {losses[-1]:.3f}")


def write(there: Path) -> None:
    """Write a set by LeRobot itself: vectors, a cloud, pictures, two tasks."""
    rng = np.random.default_rng(0)
    features = {
        "observation.state": {"dtype": "float32", "shape": (4,), "names": ["a", "b", "c", "d"]},
        "observation.environment_state": {"dtype": "float32", "shape": (3,), "names": ["x", "y", "z"]},
        "observation.pointcloud": {"dtype": "float32", "shape": (64, 3), "names": ["point", "xyz"]},
        "observation.images.front": {"dtype": "image", "shape": (24, 32, 3), "names": ["height", "width", "channels"]},
        "action": {"dtype": "float32", "shape": (2,), "names": ["go", "grip"]},
        "next.reward": {"dtype": "float32", "shape": (1,), "names": None},
        "next.success": {"dtype": "bool", "shape": (1,), "names": None},
    }
    made = LeRobotDataset.create("local/set", fps=10, root=there, features=features, use_videos=False)
    for number, steps in enumerate((12, 30, 21)):
        for step in range(steps):
            seen = {
                name: rng.normal(size=feature["shape"]).astype(np.float32)
                for name, feature in features.items()
                if feature["dtype"] == "float32"
            }
            picture = rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)
            success = np.array([step == steps - 1 and number != 1])
            frame = {"observation.images.front": picture, "next.success": success, "task": f"task {number % 2}"}
            made.add_frame({**seen, **frame})
        made.save_episode()
    made.finalize()
    print(f"{there}: {made.num_episodes} episodes by LeRobot")


if __name__ == "__main__":
    if sys.argv[1:2] == ["compare"] and len(sys.argv) == 4:
        compare(Path(sys.argv[2]), Path(sys.argv[3]))
    elif sys.argv[1:2] == ["write"] and len(sys.argv) == 3:
        write(Path(sys.argv[2]))
    else:
        sys.exit("usage: read_with_lerobot.py compare LEROBOT_FOLDER OUR_SET | write LEROBOT_FOLDER")
