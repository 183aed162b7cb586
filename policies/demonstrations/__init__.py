"""Demonstrations: one record of what was seen and done, whoever did it, and sets of such records on disk.

Names are loaded when they are first asked for: whoever only holds episodes needs no simulator.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from policies.demonstrations.demonstration_set import DemonstrationSet
    from policies.demonstrations.episode import Episode
    from policies.demonstrations.episode_file import EpisodeSummary
    from policies.demonstrations.set_info import SetInfo
    from policies.demonstrations.writer import DemonstrationWriter

__all__ = ["DemonstrationSet", "DemonstrationWriter", "Episode", "EpisodeSummary", "SetInfo"]

_ROOMS = {
    "DemonstrationSet": "demonstration_set",
    "DemonstrationWriter": "writer",
    "Episode": "episode",
    "EpisodeSummary": "episode_file",
    "SetInfo": "set_info",
}


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
