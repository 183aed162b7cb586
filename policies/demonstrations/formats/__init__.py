"""Demonstrations of other programs and for them: LeRobotDataset v3.0 and robomimic's HDF5, both ways.

Neither LeRobot nor robomimic is needed: the first format takes pyarrow (extra `lerobot`), the second h5py (extra
`robomimic`). Names are loaded when they are first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from policies.demonstrations.formats.episode_source import EpisodeSource, Exported
    from policies.demonstrations.formats.foreign_files import foreign_format, import_episodes, open_foreign
    from policies.demonstrations.formats.lerobot_export import LeRobotExport, export_lerobot
    from policies.demonstrations.formats.lerobot_import import LeRobotSet
    from policies.demonstrations.formats.robomimic_export import RobomimicExport, export_robomimic
    from policies.demonstrations.formats.robomimic_import import RobomimicSet

__all__ = [
    "EpisodeSource",
    "Exported",
    "LeRobotExport",
    "LeRobotSet",
    "RobomimicExport",
    "RobomimicSet",
    "export_lerobot",
    "export_robomimic",
    "foreign_format",
    "import_episodes",
    "open_foreign",
]

_ROOMS = {
    "EpisodeSource": "episode_source",
    "Exported": "episode_source",
    "LeRobotExport": "lerobot_export",
    "LeRobotSet": "lerobot_import",
    "RobomimicExport": "robomimic_export",
    "RobomimicSet": "robomimic_import",
    "export_lerobot": "lerobot_export",
    "export_robomimic": "robomimic_export",
    "foreign_format": "foreign_files",
    "import_episodes": "foreign_files",
    "open_foreign": "foreign_files",
}


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
