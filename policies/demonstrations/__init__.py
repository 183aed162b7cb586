"""Demonstrations: one record of what was seen and done, whoever did it, and sets of such records on disk.

Rooms are opened when one of their names is first asked for: whoever only reads episodes needs no simulator.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from policies.demonstrations.collect_plan import DEMONSTRATION_SEED, HOLD_STEPS, CollectPlan
    from policies.demonstrations.collecting import Collected, collect
    from policies.demonstrations.demonstration_set import DemonstrationSet
    from policies.demonstrations.demonstrator import (
        CollectingStopped,
        Demonstrator,
        EpisodeDropped,
        ExpertDemonstrator,
        PolicyDemonstrator,
    )
    from policies.demonstrations.doctor import examine, examine_times
    from policies.demonstrations.episode import Episode
    from policies.demonstrations.episode_file import EpisodeSummary
    from policies.demonstrations.finding import Finding
    from policies.demonstrations.player import Outcome
    from policies.demonstrations.playing import play_episode
    from policies.demonstrations.set_info import SetInfo
    from policies.demonstrations.task_plan import TASK_TEXTS, expert_plan, policy_plan
    from policies.demonstrations.timestamps import foreign_times
    from policies.demonstrations.varied_expert import STEADY, VARIATIONS, Variation, VariedExpert
    from policies.demonstrations.writer import DemonstrationWriter

__all__ = [
    "DEMONSTRATION_SEED",
    "HOLD_STEPS",
    "STEADY",
    "TASK_TEXTS",
    "VARIATIONS",
    "CollectPlan",
    "Collected",
    "CollectingStopped",
    "DemonstrationSet",
    "DemonstrationWriter",
    "Demonstrator",
    "Episode",
    "EpisodeDropped",
    "EpisodeSummary",
    "ExpertDemonstrator",
    "Finding",
    "Outcome",
    "PolicyDemonstrator",
    "SetInfo",
    "Variation",
    "VariedExpert",
    "collect",
    "examine",
    "examine_times",
    "expert_plan",
    "foreign_times",
    "play_episode",
    "policy_plan",
]

_ROOMS = {
    "DEMONSTRATION_SEED": "collect_plan",
    "HOLD_STEPS": "collect_plan",
    "STEADY": "varied_expert",
    "TASK_TEXTS": "task_plan",
    "VARIATIONS": "varied_expert",
    "CollectPlan": "collect_plan",
    "Collected": "collecting",
    "CollectingStopped": "demonstrator",
    "DemonstrationSet": "demonstration_set",
    "DemonstrationWriter": "writer",
    "Demonstrator": "demonstrator",
    "Episode": "episode",
    "EpisodeDropped": "demonstrator",
    "EpisodeSummary": "episode_file",
    "ExpertDemonstrator": "demonstrator",
    "Finding": "finding",
    "Outcome": "player",
    "PolicyDemonstrator": "demonstrator",
    "SetInfo": "set_info",
    "Variation": "varied_expert",
    "VariedExpert": "varied_expert",
    "collect": "collecting",
    "examine": "doctor",
    "examine_times": "doctor",
    "expert_plan": "task_plan",
    "foreign_times": "timestamps",
    "play_episode": "playing",
    "policy_plan": "task_plan",
}


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
