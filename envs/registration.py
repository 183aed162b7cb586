"""The ids under which `gymnasium.make` finds the tasks; `import envs` registers them.

Entry points are strings, so that registering imports neither physics nor cameras.
"""

from __future__ import annotations

import gymnasium

_TASKS = {
    "Reach": 50,
    "Push": 50,
    "PickPlace": 50,
    "Lift": 50,
    "Stack": 100,
    "Stack3": 150,
}
"""Episode length in steps of 40 ms."""


def register() -> None:
    """Register every id `graspmimic/<Task>-v0`; again is harmless."""
    for name, steps in _TASKS.items():
        gymnasium.register(
            f"graspmimic/{name}-v0", entry_point=f"envs.manipulation.tasks:{name}Env", max_episode_steps=steps
        )
