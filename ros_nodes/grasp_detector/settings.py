"""Parameters of the node `grasp_detector`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from geometry import InputError
from ros_nodes.grasp_detector.finding import Wanted
from ros_nodes.grasp_detector.look import EVERYWHERE, Place
from ros_nodes.hand_settings import HandSettings
from ros_nodes.setting import autostart_setting, setting


@dataclass(frozen=True, kw_only=True)
class GraspDetectorSettings(HandSettings):
    """Where to look for grasps, how hard, and what counts as too old. Lengths in metres."""

    autostart: bool = autostart_setting()
    input: str = setting(
        "depth",
        "What to look at: depth (topics depth/image, depth/camera_info) or cloud (topic points); at activation.",
        choices=("depth", "cloud"),
    )
    rectified: bool = setting(
        False, "The depth images were rectified: read the projection matrix P of their CameraInfo in place of K."
    )
    mode: str = setting(
        "continuous",
        "continuous: grasps for every frame there is time for; on_request: only for the service plan_grasps.",
        choices=("continuous", "on_request"),
    )
    weights: str = setting(
        "", "Weights of the network: NAME.safetensors with NAME.json beside it; empty: the package's; at activation."
    )
    device: str = setting("cpu", "Where the network runs, as torch names it: cpu, cuda, cuda:1; at activation.")
    threads: int = setting(
        1, "Threads of the network on the CPU; results do not depend on the machine with 1.", low=1, high=64
    )
    workspace: tuple[float, ...] = setting(
        (),
        "Box in world_frame where grasps are wanted: lower x, y, z, upper x, y, z, m; empty: wherever things stand.",
        low=-100.0,
        high=100.0,
    )
    table: str = setting(
        "known",
        "known: a level table at table_height_m; find: it is looked for in each frame; none: there is no table.",
        choices=("known", "find", "none"),
    )
    table_height_m: float = setting(
        0.0, "Height of the table's top in world_frame, m, where table is known.", low=-10.0, high=10.0
    )
    top_k: int = setting(50, "Most grasps of a frame, best first.", low=1, high=1000)
    min_score: float = setting(
        0.0, "Grasps with a lower score (probability of success) are left out.", low=0.0, high=1.0
    )
    approach_cone_deg: float = setting(
        180.0, "Largest angle between the hand's approach and straight down; 180: from anywhere.", low=1.0, high=180.0
    )
    seed: int = setting(0, "Of the search for the table.", low=0, high=2**31 - 1)
    max_rate_hz: float = setting(0.0, "Most frames a second in continuous mode; 0: no limit.", low=0.0, high=1000.0)
    max_age_s: float = setting(2.0, "Frames older than this when they come are refused, s.", low=0.01, high=3600.0)
    max_wait_ms: float = setting(
        10.0,
        "A frame that waited longer than this for the detector gives way to the next where that is about due, ms; "
        "0: never.",
        low=0.0,
        high=10000.0,
    )
    silence_s: float = setting(2.0, "Without a frame for so long the camera is silent, s.", low=0.1, high=600.0)
    tf_timeout_s: float = setting(0.2, "Longest wait for the transform of a frame's time, s.", low=0.0, high=10.0)
    target_max_age_s: float = setting(
        1.0,
        "A target's box or mask counts for frames this near its stamp, s; 0: for all until it is cleared.",
        low=0.0,
        high=3600.0,
    )
    request_fresh: bool = setting(
        True, "plan_grasps takes a frame newer than the request; false: the last frame will do while it is not too old."
    )
    request_timeout_s: float = setting(
        10.0, "plan_grasps gives up after this long without a frame that yields an answer, s.", low=0.1, high=600.0
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        box = np.array(self.workspace)
        if len(box) not in (0, 6) or (len(box) == 6 and not np.all(box[:3] < box[3:])):
            raise InputError(
                "parameter workspace",
                expected="no number, or six: lower x, y, z, then upper x, y, z, each lower one lower",
                got=f"{list(self.workspace)}",
            )

    @property
    def place(self) -> Place:
        """Workspace and table as a planner takes them."""
        heights = {"known": self.table_height_m, "find": None, "none": -np.inf}
        box = np.array(self.workspace).reshape(2, 3) if self.workspace else EVERYWHERE
        return Place(workspace=box, table_z_m=heights[self.table], seed=self.seed)

    @property
    def wanted(self) -> Wanted:
        """Which grasps are wanted, of anything."""
        return Wanted(top_k=self.top_k, min_score=self.min_score, cone_rad=float(np.deg2rad(self.approach_cone_deg)))

    @property
    def weights_file(self) -> Path | None:
        """The weights' file; None for the package's."""
        return Path(self.weights).expanduser() if self.weights else None
