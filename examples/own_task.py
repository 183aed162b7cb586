"""A task of your own: knock over a block that stands upright. Registered, and played with random actions.

python examples/own_task.py
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np

from envs.manipulation import ManipulationEnv, Prop, Task
from envs.manipulation.rewards import SceneTerm, hand_near
from envs.manipulation.tabletop import Tabletop


def upright(scene: Tabletop) -> float:
    """Cosine of the angle between the block and the vertical."""
    x, y, _, _ = scene.props[0].state.quat_xyzw
    return 1.0 - 2.0 * (x * x + y * y)


class KnockOver(Task):
    """A block of 3 x 3 x 10 cm, anywhere in a square of 0.3 m edges; it shall lie. There is no goal to choose."""

    props = (Prop(name="block", size_m=(0.03, 0.03, 0.10)),)
    closed = True  # the fingers are not needed
    start_m = (0.0, 0.0, 0.15)
    scene_terms = (
        SceneTerm("hand near block", 0.5, hand_near(0)),
        SceneTerm("fallen", 0.5, lambda scene: 1.0 - upright(scene)),
        SceneTerm("time", 1.0, lambda scene: -1.0),
    )

    def begin(self, scene: Tabletop, rng: np.random.Generator, *, turned: bool) -> None:
        """Stand the block somewhere."""
        block = scene.props[0]
        block.place((*rng.uniform(-0.15, 0.15, 2).tolist(), block.prop.half_height_m))

    def reached(self, achieved: Any, desired: Any) -> Any:
        """No goal, nothing to reach."""
        return np.zeros(np.shape(achieved)[:-1], dtype=bool)

    def succeeded(self, scene: Tabletop, achieved: Any) -> bool:
        """More than 60 degrees from the vertical."""
        return upright(scene) < 0.5


class KnockOverEnv(ManipulationEnv):
    """Knock over a block; takes the options of every task: observation, action, reward, randomization, ..."""

    def __init__(self, **options: Any) -> None:
        super().__init__(KnockOver(), **options)


gymnasium.register("my/KnockOver-v0", entry_point=KnockOverEnv, max_episode_steps=50)

if __name__ == "__main__":
    env = gymnasium.make("my/KnockOver-v0", reward="dense")
    env.action_space.seed(0)
    fallen = 0
    for episode in range(10):
        env.reset(seed=episode)
        truncated = False
        while not truncated:
            *_, truncated, info = env.step(env.action_space.sample())
        fallen += info["success_once"]
    print(f"random actions knock the block over in {fallen} of 10 episodes")
    env.close()
