"""Parameters of the node `behavior_recognizer`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from perception.behavior.watching import WatchSettings
from perception.pose import SKELETONS, Skeleton
from ros_nodes.setting import autostart_setting, check_settings, setting

_LAYOUTS = tuple(name for name in SKELETONS if name != "hand21")


@dataclass(frozen=True, kw_only=True)
class BehaviorRecognizerSettings:
    """What comes in, who is looked for, and when something counts as sure."""

    autostart: bool = autostart_setting()
    input: str = setting(
        "image",
        "What comes in: image (topics image, camera_info, and depth where use_depth), keypoints_2d (topic keypoints, "
        "Detection2DArray in pixels) or keypoints_3d (Detection3DArray in metres); at activation.",
        choices=("image", "keypoints_2d", "keypoints_3d"),
    )
    skeleton: str = setting(
        "coco17", "Layout whose joints the keypoints are named after; at activation.", choices=_LAYOUTS
    )
    reference: str = setting(
        "camera",
        "What frame metric keypoints stand in: camera (optical: x right, y down) or world (z up); at activation.",
        choices=("camera", "world"),
    )
    use_depth: bool = setting(
        False, "With images: lift keypoints to metres by the depth registered to them; at activation."
    )
    pose_onnx: str = setting(
        "", "RTMPose or RTMW network (ONNX file) in place of MediaPipe; empty: MediaPipe; at activation."
    )
    models_folder: str = setting(
        "", "Folder of MediaPipe's landmark models; empty: where `graspmimic setup pose` put them; at activation."
    )
    max_persons: int = setting(1, "Persons that MediaPipe looks for; at activation.", low=1, high=20)
    min_score: float = setting(0.5, "What MediaPipe is less sure of is dropped; at activation.", low=0.0, high=1.0)
    rules: str = setting("", "YAML file of behaviours as rules; empty: the built-in book; at activation.")
    rate_hz: float = setting(30.0, "Frames a second that come in, about; at activation.", low=1.0, high=1000.0)
    lag_s: float = setting(0.5, "How long after its end a segment is settled, s; at activation.", low=0.0, high=60.0)
    least_confidence: float = setting(0.6, "Segments below it are marked as unsure; at activation.", low=0.0, high=1.0)
    least_segment_s: float = setting(0.1, "Shorter segments are left out, s; at activation.", low=0.0, high=60.0)
    slop_s: float = setting(0.05, "Depth belongs to an image this near in time, s; at activation.", low=0.0, high=10.0)
    objects_age_s: float = setting(
        0.5, "Things (topic objects) count for people this near in time, s; at activation.", low=0.0, high=60.0
    )
    silence_s: float = setting(2.0, "Without a frame for so long the input is silent, s.", low=0.1, high=600.0)
    max_age_s: float = setting(2.0, "Frames older than this when they come are refused, s.", low=0.01, high=3600.0)
    line_width_m: float = setting(0.02, "Width of the skeleton's lines in ~/markers, m.", low=0.001, high=1.0)
    text_height_m: float = setting(0.1, "Height of the captions in ~/markers, m.", low=0.01, high=1.0)

    def __post_init__(self) -> None:
        check_settings(self)

    @property
    def layout(self) -> Skeleton:
        """The skeleton of keypoints."""
        return SKELETONS[self.skeleton]

    @property
    def watching(self) -> WatchSettings:
        """How decisions are made."""
        return WatchSettings(least_confidence=self.least_confidence, least_segment_s=self.least_segment_s)

    @property
    def rules_file(self) -> Path | None:
        """The rules' file; None for the built-in book."""
        return Path(self.rules).expanduser() if self.rules else None
