"""Faults on request: what goes wrong in a simulated robot when its parameters say so. All may change at run time."""

from __future__ import annotations

from dataclasses import dataclass, fields

from ros_nodes.setting import setting


@dataclass(frozen=True, kw_only=True)
class FaultSettings:
    """Everything is well by default."""

    drop_frame_rate: float = setting(0.0, "Fault: share of the camera's frames that is lost.", low=0.0, high=1.0)
    frame_delay_s: float = setting(
        0.0, "Fault: images come so much later than their stamps say, simulated s.", low=0.0, high=60.0
    )
    camera_lost: bool = setting(False, "Fault: the camera sends nothing.")
    depth_zero: bool = setting(False, "Fault: depth images are all 0, no return.")
    depth_nan: bool = setting(False, "Fault: depth images are all NaN; zeros in 16UC1, which has no NaN.")
    wrong_frame_id: str = setting("", "Fault: images and their CameraInfo carry this frame_id.")
    tf_silent: bool = setting(False, "Fault: no transforms on /tf.")
    tf_offset_s: float = setting(
        0.0, "Fault: transforms on /tf are stamped so much later than they are true, s.", low=-1e3, high=1e3
    )
    joint_states_silent: bool = setting(False, "Fault: no joint_states.")
    controller_stalled: bool = setting(
        False, "Fault: the arm's controller stands still; goals under way go on when it is over."
    )
    controller_rejects: bool = setting(False, "Fault: the arm's controller accepts no goals and no streamed points.")
    controller_aborts: bool = setting(False, "Fault: goals of the arm are aborted half way.")
    gripper_stuck: bool = setting(False, "Fault: the fingers stick where they are; goals run into their timeout.")
    clock_jump_s: float = setting(
        0.0, "Fault: when this is set, /clock and all stamps jump by so much, once.", low=-1e4, high=1e4
    )


def active_faults(settings: FaultSettings) -> list[str]:
    """The faults that are asked for, as `name=value`."""
    calm = FaultSettings()
    values = {field.name: getattr(settings, field.name) for field in fields(FaultSettings)}
    return [f"{name}={value}" for name, value in values.items() if value != getattr(calm, name)]
