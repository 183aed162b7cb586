"""Films of policies at work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from perception.figures import VideoWriter
from policies.reinforcement.evaluation import Act

_DONE = (20, 130, 60)
_HOLD_FRAMES = 8


def film_episodes(act: Act, env: gymnasium.Env[Any, Any], path: Path, *, episodes: int, seed: int) -> None:
    """Film a policy in an environment with `render_mode="rgb_array"`, each episode to its time limit.

    Args:
        act: the policy.
        env: with its time limit.
        path: `.mp4`.
        episodes: how many.
        seed: of the first; the others count up.
    """
    with VideoWriter(path, rate_hz=float(env.metadata["render_fps"])) as video:
        for number in range(episodes):
            observation, info = env.reset(seed=seed + number)
            over = False
            while not over:
                observation, _, terminated, truncated, info = env.step(act(observation))
                over = terminated or truncated
                frame = _marked(env.render(), bool(info["is_success"]))
                for _ in range(_HOLD_FRAMES if over else 1):
                    video.add(frame)


def _marked(rgb: Any, done: bool) -> NDArray[np.uint8]:
    """The picture, with a word on it while the task is done."""
    image = Image.fromarray(rgb)
    if done:
        ImageDraw.Draw(image).text((10, 30), "done", fill=_DONE, font=ImageFont.load_default(18))
    return np.asarray(image)
