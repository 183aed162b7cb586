"""The guard's parameters."""

from __future__ import annotations

from dataclasses import dataclass

from envs.arms import ArmModel
from geometry import InputError
from ros_nodes.arm_settings import ArmSettings
from ros_nodes.safety.limits import ArmLimits
from ros_nodes.safety.rules import Rules
from ros_nodes.safety.signals import SignalRules
from ros_nodes.safety.workspace import Workspace, link_points
from ros_nodes.setting import setting


@dataclass(frozen=True, kw_only=True)
class SafetySettings(ArmSettings):
    """What the arm may do; limits of the joints are the robot's own."""

    when_busy: str = setting(
        "replace",
        "What becomes of a goal that comes while one is under way: it replaces the older as the controller does it, "
        "or is refused.",
        choices=("replace", "refuse"),
    )
    velocity_scale: float = setting(1.0, "Share of the joints' speeds that is let through.", low=0.01, high=1.0)
    acceleration_scale: float = setting(
        1.0, "Share of the joints' accelerations that is let through.", low=0.01, high=1.0
    )
    speed_peak_allowance: float = setting(
        0.1, "Share by which a speed between two points may exceed its limit.", low=0.0, high=1.0
    )
    acceleration_peak_allowance: float = setting(
        0.667, "Share by which an acceleration at a cubic's ends may exceed its limit; see docs.", low=0.0, high=10.0
    )
    max_duration_s: float = setting(
        30.0, "Longest trajectory, s: a controller would finish it if this node died.", low=0.1, high=3600.0
    )
    max_start_delay_s: float = setting(1.0, "Longest wait for a trajectory's stamp, s.", low=0.0, high=60.0)
    start_tolerance_rad: float = setting(
        0.05, "How far from the arm a trajectory may begin, rad a joint.", low=1e-4, high=1.0
    )
    check_workspace: bool = setting(True, "Whether the places of the links are checked.")
    workspace_lower_m: tuple[float, float, float] = setting(
        (-0.9, -0.9, -0.1), "Smallest x, y, z of any joint past the shoulder and of the grasp frame, in base_frame, m."
    )
    workspace_upper_m: tuple[float, float, float] = setting(
        (0.9, 0.9, 1.3), "Largest x, y, z of the same, in base_frame, m."
    )
    table_z_m: float = setting(0.0, "Height of the table top in base_frame, m.", low=-3.0, high=3.0)
    tip_clearance_m: float = setting(
        -0.002, "Least height of the grasp frame (between the fingertips) over the table, m.", low=-0.5, high=1.0
    )
    link_clearance_m: float = setting(
        0.05, "Least height of the joints past the shoulder over the table, m.", low=-0.5, high=1.0
    )
    tip_speed_m_s: float = setting(
        1.7, "Largest speed of the grasp frame, m/s (a Panda's own limit); 0 for no check.", low=0.0, high=10.0
    )
    allow_return: bool = setting(
        False, "Let an arm that is outside its limits or workspace move, as long as it gets no farther outside."
    )
    stale_after_s: float = setting(0.25, "Age of joint_states that stops the arm, s.", low=0.01, high=10.0)
    position_margin_rad: float = setting(
        0.02, "How far outside the joint limits a measurement may lie, rad.", low=0.0, high=0.5
    )
    speed_margin: float = setting(0.2, "Share by which a measured speed may exceed its limit.", low=0.0, high=2.0)
    place_margin_m: float = setting(
        0.01, "How far outside the workspace a measured place may lie, m.", low=0.0, high=0.2
    )
    tracking_tolerance_rad: float = setting(
        0.2, "How far the arm may be from where it should have been lately, rad a joint; 0 for no check, as where a "
        "controller stretches time.", low=0.0, high=3.0,
    )  # fmt: skip
    tracking_window_s: float = setting(0.5, "What lately means, s.", low=0.01, high=10.0)
    stream_lead_rad: float = setting(
        0.2, "How far a streamed point may lie ahead of what the arm can reach in its time, rad.", low=0.0, high=3.0
    )
    stream_refusals_to_stop: int = setting(5, "Streamed points refused in a row that stop the arm.", low=1, high=10_000)
    braking_scale: float = setting(
        0.5, "Share of the joints' accelerations that a stop brakes with.", low=0.01, high=1.0
    )
    overdue_after_s: float = setting(
        3.0,
        "How long after a goal's end and its own time tolerance the controller may be silent, s.",
        low=0.1,
        high=600.0,
    )
    controller_timeout_s: float = setting(
        2.0, "How long the controller may take to accept a goal or to confirm a cancel, s of the wall clock.",
        low=0.1, high=60.0,
    )  # fmt: skip
    heartbeat_required: bool = setting(
        False, "Whether nothing moves without ~/heartbeat; otherwise the first beat asks for more while the arm moves."
    )
    heartbeat_timeout_s: float = setting(0.5, "Longest time between two heartbeats, s.", low=0.02, high=60.0)
    deadman_required: bool = setting(False, "Whether nothing moves unless ~/deadman true was called lately.")
    deadman_timeout_s: float = setting(0.5, "Longest time between two calls of ~/deadman true, s.", low=0.02, high=60.0)
    monitor_rate_hz: float = setting(
        100.0, "How often the moving arm is looked at, Hz of the wall clock.", low=5.0, high=1000.0, read_only=True
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not all(low < high for low, high in zip(self.workspace_lower_m, self.workspace_upper_m, strict=True)):
            got = f"{self.workspace_lower_m}, {self.workspace_upper_m}"
            raise InputError("parameter workspace_lower_m", expected="each below workspace_upper_m", got=got)

    def rules(self, arm: ArmModel | None) -> Rules:
        """What commands and motion are held against; without a known arm its places cannot be checked."""
        limits = ArmLimits(
            names=self.joint_names,
            lower=self.joint_lower,
            upper=self.joint_upper,
            velocity=tuple(self.velocity_scale * value for value in self.joint_velocity),
            acceleration=tuple(self.acceleration_scale * value for value in self.joint_acceleration),
        )
        workspace = Workspace(
            lower_m=self.workspace_lower_m,
            upper_m=self.workspace_upper_m,
            table_z_m=self.table_z_m,
            tip_clearance_m=self.tip_clearance_m,
            link_clearance_m=self.link_clearance_m,
        )
        return Rules(
            limits=limits,
            workspace=workspace if self.check_workspace else None,
            link_points=None if arm is None else link_points(arm),
            tip_speed_m_s=self.tip_speed_m_s,
            speed_peak_allowance=self.speed_peak_allowance,
            acceleration_peak_allowance=self.acceleration_peak_allowance,
            start_tolerance_rad=self.start_tolerance_rad,
            max_duration_s=self.max_duration_s,
            max_start_delay_s=self.max_start_delay_s,
            allow_return=self.allow_return,
            position_margin_rad=self.position_margin_rad,
            speed_margin=self.speed_margin,
            place_margin_m=self.place_margin_m,
            tracking_tolerance_rad=self.tracking_tolerance_rad,
            tracking_window_s=self.tracking_window_s,
            stream_lead_rad=self.stream_lead_rad,
            braking_scale=self.braking_scale,
            overdue_after_s=self.overdue_after_s,
        )

    @property
    def signal_rules(self) -> SignalRules:
        """What is asked of joint states, heartbeat and deadman."""
        return SignalRules(
            stale_after_s=self.stale_after_s,
            heartbeat_required=self.heartbeat_required,
            heartbeat_timeout_s=self.heartbeat_timeout_s,
            deadman_required=self.deadman_required,
            deadman_timeout_s=self.deadman_timeout_s,
        )
