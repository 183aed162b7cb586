"""What the simulated robot is told: scene, pace, camera, controllers. Faults are in `fault_settings`."""

from __future__ import annotations

from dataclasses import dataclass

from geometry import InputError
from ros_nodes.robot_settings import RobotSettings
from ros_nodes.setting import setting
from ros_nodes.sim_robot.fault_settings import FaultSettings


@dataclass(frozen=True, kw_only=True)
class SimRobotSettings(FaultSettings, RobotSettings):
    """The parameters of the node; those of the robot must stay a Panda's, names and frames apart."""

    scene: str = setting(
        "clutter",
        "What stands on the table: the clutter benchmark's piles with a bin, or a manipulation task.",
        choices=("clutter", "task"),
    )
    seed: int = setting(0, "Seed of the scenes; taken over by ~/next_scene and ~/reset.", low=0, high=2**31 - 1)
    round: int = setting(
        0, "Number of the first round under the seed; when it is set, ~/reset begins with it.", low=0, high=1_000_000
    )
    dialect: str = setting("A", "Rules of the clutter benchmark: camera, physics, noise.", choices=("A", "B"))
    arrangement: str = setting("pile", "How the objects lie.", choices=("pile", "packed"))
    objects: str = setting("procedural", "Object set: procedural, random_urdfs, or a folder of URDFs or meshes.")
    object_scale: float = setting(1.0, "Factor on all lengths of the objects.", low=1e-4, high=1e3)
    object_names: tuple[str, ...] = setting((), "Only these objects of the set; empty takes all.")
    view: str = setting(
        "fixed",
        "Whether the camera of a clutter scene stays, or moves after each pick as the benchmark moves it.",
        choices=("fixed", "each_pick"),
    )
    task: str = setting("graspmimic/PickPlace-v0", "Id of the task where the scene is a task.")

    real_time_factor: float = setting(
        1.0, "Simulated seconds in a second of the wall clock; 0 runs as fast as it can.", low=0.0, high=100.0
    )
    joint_state_rate_hz: float = setting(100.0, "Rate of joint_states and of /tf, simulated Hz.", low=1.0, high=240.0)
    clock_period_s: float = setting(
        0.004, "Least simulated time between two messages on /clock, s.", low=0.001, high=0.1
    )
    object_rate_hz: float = setting(10.0, "Rate of ~/objects and ~/goal, simulated Hz.", low=0.1, high=100.0)

    depth_rate_hz: float = setting(15.0, "Rate of the depth images, simulated Hz.", low=0.1, high=90.0)
    color_rate_hz: float = setting(
        5.0, "Rate of the colour images, simulated Hz; each one holds the physics up.", low=0.1, high=90.0
    )
    depth_encoding: str = setting(
        "16UC1", "Depth images in millimetres (16UC1), as a RealSense sends them, or in metres (32FC1).",
        choices=("16UC1", "32FC1"),
    )  # fmt: skip
    depth_noise: str = setting(
        "scene",
        "Noise of the depth camera: the scene's (the dialect's; none for a task), or one of the others.",
        choices=("scene", "dex", "structured light", "none"),
    )

    path_tolerance_rad: float = setting(
        0.1,
        "Largest error of a joint on the way, where a goal asks for none of its own; 0 is none.",
        low=0.0,
        high=10.0,
    )
    goal_tolerance_rad: float = setting(
        0.01,
        "Largest error of a joint at the end, where a goal asks for none of its own; 0 is none.",
        low=0.0,
        high=10.0,
    )
    stopped_velocity_rad_s: float = setting(
        0.02,
        "Largest speed of a joint at the end, where a goal asks for none of its own; 0 is none.",
        low=0.0,
        high=10.0,
    )
    goal_time_s: float = setting(
        1.0, "How long after its end a goal may take to be reached; 0 is for ever.", low=0.0, high=60.0
    )
    allow_nonzero_velocity_at_trajectory_end: bool = setting(
        False, "Whether the last point of a trajectory may have a velocity, as in the controller of that name."
    )
    feedback_rate_hz: float = setting(20.0, "Rate of an action's feedback, Hz of the wall clock.", low=0.5, high=100.0)
    reflex_force_n: float = setting(
        20.0,
        "Contact force that stops the arm while the fingers hold nothing, N; 0 switches that off.",
        low=0.0,
        high=1e4,
    )
    gripper_stall_time_s: float = setting(
        0.05, "Fingers that stand still for so long are there, or stopped by something, s.", low=0.01, high=5.0
    )
    gripper_timeout_s: float = setting(4.0, "How long a goal of the gripper may take, s.", low=0.1, high=60.0)
    gripper_allow_stalling: bool = setting(
        True, "Whether a gripper that something stopped has succeeded; otherwise the goal is aborted."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.world_frame == self.base_frame:
            raise InputError(
                "parameter world_frame",
                expected="another frame than base_frame: the simulated arm stands in a world",
                got=f"{self.world_frame!r} for both",
            )
        for name, expected in (("joint_names", 7), ("finger_joint_names", 2)):
            if len(getattr(self, name)) != expected:
                raise InputError(
                    f"parameter {name}",
                    expected=f"{expected} names: the simulated robot is a Panda",
                    got=f"{list(getattr(self, name))}",
                )
