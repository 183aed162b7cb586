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

_INK, _DONE = (38, 44, 54), (20, 130, 60)
_HOLD_FRAMES = 8


def film_episodes(
    act: Act, env: gymnasium.Env[Any, Any], path: Path, *, episodes: int, seed: int, caption: str = ""
) -> None:
    """Film a policy in an environment with `render_mode="rgb_array"`, each episode to its time limit.

    Args:
        act: the policy.
        env: with its time limit.
        path: `.mp4`.
        episodes: how many.
        seed: of the first; the others count up.
        caption: written into the frames.
    """
    with VideoWriter(path, rate_hz=float(env.metadata["render_fps"])) as video:
        for number in range(episodes):
            observation, info = env.reset(seed=seed + number)
            over = False
            while not over:
                observation, _, terminated, truncated, info = env.step(act(observation))
                over = terminated or truncated
                frame = _captioned(env.render(), caption, bool(info["is_success"]))
                for _ in range(_HOLD_FRAMES if over else 1):
                    video.add(frame)


def _captioned(rgb: Any, caption: str, done: bool) -> NDArray[np.uint8]:
    """The picture with a caption, and whether the task is done as things stand."""
    image = Image.fromarray(rgb)
    draw = ImageDraw.Draw(image)
    draw.text((10, 8), caption, fill=_INK, font=ImageFont.load_default(18))
    if done:
        draw.text((10, 30), "done", fill=_DONE, font=ImageFont.load_default(18))
    return np.asarray(image)
