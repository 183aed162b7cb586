"""A film of rounds of ClutterPick: what is proposed, what the detector would take, and what the policy takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from envs.cameras import Lighting, RaycastCamera
from envs.clutter_pick import ClutterPickEnv
from geometry import PANDA_HAND, FloatArray, PinholeCamera, invert, look_at, transform_points
from policies.reinforcement.clutter_pick.policy import ClutterPickPolicy

_SIZE = (440, 330)
_CAMERA = PinholeCamera(width=_SIZE[0], height=_SIZE[1], fx=580.0, fy=580.0, cx=219.5, cy=164.5)
_INTERVAL_S, _RATE_HZ = 0.25, 8
_HOLD = 6
_COLORS = 96
_PAINTS = (
    *((0.80, 0.36, 0.28, 1.0), (0.27, 0.48, 0.72, 1.0), (0.90, 0.72, 0.30, 1.0)),
    *((0.45, 0.66, 0.45, 1.0), (0.60, 0.45, 0.70, 1.0)),
)
_INK, _OTHER, _DETECTOR, _POLICY = (38, 44, 54), (150, 158, 170), (226, 120, 20), (20, 130, 60)


def film_rounds(env: ClutterPickEnv, policy: ClutterPickPolicy, path: Path, seeds: tuple[int, ...]) -> list[str]:
    """Film one round for each seed as a GIF.

    Args:
        env: what is played.
        policy: who chooses.
        path: `.gif`.
        seeds: of the rounds.
    Returns:
        how each round ended.
    """
    frames: list[Image.Image] = []
    endings = []
    for seed in seeds:
        observation, info = env.reset(seed=seed)
        _paint(env)
        ended = False
        while not ended:
            choice = policy.choose(observation)
            line = f"cleared {info['cleared']} of {info['presented']} in {info['attempts']} attempts"
            _film_attempt(env, choice, line, frames)
            observation, _, ended, _, info = env.step(choice)
            env.simulation.scene.world.on_step = None
        endings.append(f"{info['ending']}: {info['cleared']} of {info['presented']} in {info['attempts']} attempts")
    palette = [frame.quantize(_COLORS, dither=Image.Dither.NONE) for frame in frames]
    path.parent.mkdir(parents=True, exist_ok=True)
    palette[0].save(path, save_all=True, append_images=palette[1:], duration=1000 // _RATE_HZ, loop=0, optimize=True)
    return endings


def _paint(env: ClutterPickEnv) -> None:
    """Give each object a colour of its own: many scans come without any."""
    scene = env.simulation.scene
    for number, uid in enumerate(scene.objects):
        scene.world.bullet.changeVisualShape(uid, -1, rgbaColor=_PAINTS[number % len(_PAINTS)])


def _film_attempt(env: ClutterPickEnv, choice: int, line: str, frames: list[Image.Image]) -> None:
    """Add what is proposed, and have the world add frames of the attempt while it is stepped."""
    assert env.proposals is not None
    world = env.simulation.scene.world
    center = env.dialect.workspace.center
    T_world_camera = look_at(center + (0.30, -0.42, 0.36), center + (0.0, 0.0, 0.02))
    camera = RaycastCamera(world, _CAMERA, lighting=Lighting(shadow_rays=2))
    first = world.steps
    every = max(1, round(_INTERVAL_S / world.timestep_s))

    def shoot() -> Image.Image:
        rgb = camera.render(T_world_camera, color=True, normals=False).rgb
        assert rgb is not None
        return _written(rgb, line)

    still = _with_grasps(shoot(), env.proposals.poses, choice, T_world_camera)
    frames.extend([still] * _HOLD)

    def on_step() -> None:
        if (world.steps - first) % every == 0:
            frames.append(shoot())

    world.on_step = on_step


def _written(rgb: NDArray[np.uint8], line: str) -> Image.Image:
    image = Image.fromarray(rgb)
    draw = ImageDraw.Draw(image)
    draw.text((10, 8), line, fill=_INK, font=ImageFont.load_default(14))
    for number, (name, color) in enumerate((("proposed", _OTHER), ("detector's first", _DETECTOR), ("taken", _POLICY))):
        draw.text((10 + 120 * number, _SIZE[1] - 22), name, fill=color, font=ImageFont.load_default(13))
    return image


def _with_grasps(image: Image.Image, poses: FloatArray, choice: int, T_world_camera: FloatArray) -> Image.Image:
    """Every proposal as a small fork; the detector's first and the chosen one, which may be the same, in colour."""
    draw = ImageDraw.Draw(image)
    styles = {**{number: (_OTHER, 1) for number in range(len(poses))}, 0: (_DETECTOR, 3), choice: (_POLICY, 3)}
    half, depth = 0.5 * PANDA_HAND.max_width_m, PANDA_HAND.finger_depth_m
    fork = np.array([(0, -half, 0), (0, -half, -depth), (0, half, -depth), (0, half, 0)])
    stem = np.array([(0, 0, -depth), (0, 0, -1.6 * depth)])
    for number in sorted(styles, key=lambda n: styles[n][1]):
        color, width = styles[number]
        for lines in (fork, stem):
            points = transform_points(invert(T_world_camera) @ poses[number], lines)
            draw.line([tuple(p) for p in _CAMERA.project(points)], fill=color, width=width)
    return image
