"""The ids under which `gymnasium.make` and `make_vec` find the tasks; `import envs` registers them.

Entry points are strings, so that registering imports neither physics nor cameras.
"""

from __future__ import annotations

import gymnasium

_MANIPULATION = {
    "Reach": 50,
    "Detour": 50,
    "Push": 50,
    "Slide": 50,
    "PickPlace": 50,
    "Lift": 50,
    "Handover": 100,
    "Stack": 100,
    "Stack3": 150,
}
"""Episode length in steps of 40 ms."""
TASKS = (*_MANIPULATION, "ClutterPick")
"""The tasks, by the name in their ids."""


def register() -> None:
    """Register every id `graspmimic/<Task>-v0`; again is harmless."""
    for name, steps in _MANIPULATION.items():
        gymnasium.register(
            f"graspmimic/{name}-v0",
            entry_point=f"envs.manipulation.tasks:{name}Env",
            vector_entry_point=f"envs.manipulation.vector_entries:{name}Vector",
            max_episode_steps=steps,
        )
    gymnasium.register(  # two failures in a row end a round: it needs no limit
        "graspmimic/ClutterPick-v0",
        entry_point="envs.clutter_pick:ClutterPickEnv",
        vector_entry_point="envs.clutter_pick:ClutterPickVector",
    )
