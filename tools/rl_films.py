"""Tile films of the policies, or of experts where none is shipped, into a GIF: python tools/rl_films.py PICTURE.gif."""

from __future__ import annotations

import sys
from pathlib import Path

import imageio.v3 as iio
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from geometry import InputError
from policies.reinforcement import env_of_policy, expert_act, load_policy, make_task_env, shipped_policy

TASKS = ("Reach", "Push", "Slide", "PickPlace", "Lift", "Stack", "Stack3", "Handover")
SIZE, COLUMNS, EVERY, FRAMES = (200, 150), 4, 3, 50
CROP = (64, 20, 400, 272)
INK = (38, 44, 54)


def frames(task: str, seed: int) -> list[Image.Image]:
    """Small pictures of consecutive episodes, so many as the film has."""
    try:
        policy = load_policy(shipped_policy(task))
        env, caption = env_of_policy(policy, task, render_mode="rgb_array"), task
        act = policy.act
    except InputError:
        env, caption = make_task_env(task, render_mode="rgb_array"), f"{task} (scripted expert)"
        act = expert_act(task, env)
    pictures: list[Image.Image] = []
    while len(pictures) < FRAMES:
        observation, _ = env.reset(seed=seed)
        seed, over, step = seed + 1, False, 0
        while not over and len(pictures) < FRAMES:
            observation, _, _, over, _ = env.step(act(observation))
            step += 1
            if step % EVERY == 0:
                picture = Image.fromarray(env.render()).crop(CROP).resize(SIZE, Image.Resampling.LANCZOS)
                ImageDraw.Draw(picture).text((6, 3), caption, fill=INK, font=ImageFont.load_default(14))
                pictures.append(picture)
    env.close()
    return pictures


def main() -> None:
    """Film every task."""
    path = Path(sys.argv[1])
    films = [frames(task, 0) for task in TASKS]
    rows = -(-len(films) // COLUMNS)
    sheet = np.full((FRAMES, rows * SIZE[1], COLUMNS * SIZE[0], 3), 255, dtype=np.uint8)
    for number, film in enumerate(films):
        top, left = number // COLUMNS * SIZE[1], number % COLUMNS * SIZE[0]
        sheet[:, top : top + SIZE[1], left : left + SIZE[0]] = np.stack([np.asarray(picture) for picture in film])
    images = [
        Image.fromarray(frame).quantize(160, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        for frame in sheet
    ]
    iio.imwrite(path, np.stack([np.asarray(image.convert("RGB")) for image in images]), duration=100, loop=0)


if __name__ == "__main__":
    main()
