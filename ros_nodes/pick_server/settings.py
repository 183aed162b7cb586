"""What the pick server can be told."""

from __future__ import annotations

from dataclasses import dataclass

from geometry import InputError
from policies import PickConfig
from ros_nodes.arm_settings import ArmSettings
from ros_nodes.setting import setting

BOX_NUMBERS = 6


@dataclass(frozen=True, kw_only=True)
class PickSettings(ArmSettings):
    """How picks are done, and how long anything may take. Times are robot time unless said otherwise."""

    arm_action: str = setting(
        "/safety/follow_joint_trajectory",
        "The FollowJointTrajectory action that moves the arm: the safety node's, or controller_action itself.",
        read_only=True,
    )
    attempts: int = setting(2, "Grasps that are tried in one goal before it is given up.", low=1, high=20)
    look_from: str = setting(
        "drop", "Where the arm goes before the camera looks, out of its way.", choices=("drop", "home", "here")
    )
    settle_s: float = setting(
        0.5, "How long things are left to come to rest before the camera looks, s.", low=0.0, high=60.0
    )
    forget_failed_s: float = setting(
        120.0, "How long grasps like one that has failed go to the end of the list, s.", low=0.0, high=3600.0
    )
    grasps_considered: int = setting(20, "Best grasps that are checked for reach in one look.", low=1, high=1000)
    pregrasp_m: float = setting(0.08, "Length of the straight approach, m.", low=0.005, high=0.5)
    approach_m_s: float = setting(0.15, "Speed of the straight approach, m/s.", low=0.005, high=1.0)
    lift_m: float = setting(0.10, "Least height of the straight lift, m.", low=0.01, high=1.0)
    lift_m_s: float = setting(0.5, "Speed of the lift, m/s.", low=0.005, high=2.0)
    tree_size: int = setting(150, "Postures that the random tree of the planner may try.", low=0, high=10_000)
    seed: int = setting(0, "Seed of the random tree.", low=0, high=2**31 - 1)
    speed: float = setting(1.0, "Factor on the speed of every motion.", low=0.01, high=1.0)
    contact_within_m: float = setting(
        0.05,
        "A motion that the robot stops this near to the grasp has arrived: it touches the object, m.",
        low=0.0,
        high=0.5,
    )
    held_width_m: float = setting(
        0.002, "Fingers that were closed and stand farther apart hold something, m.", low=0.0, high=0.1
    )
    gripper_force_n: float = setting(40.0, "GripperCommand.max_effort, N.", low=0.0, high=500.0)
    table_z_m: float = setting(0.0, "Height of the table's top in world_frame, m.", low=-5.0, high=5.0)
    table_size_m: tuple[float, float] = setting(
        (3.0, 3.0),
        "Extent of the table in x and y about the origin of world_frame, m; 0 is no table.",
        low=0.0,
        high=20.0,
    )
    obstacles: tuple[float, ...] = setting(
        (), "Boxes to keep clear of: x, y, z of the middle in world_frame and sizes along x, y, z, m; 6 numbers each."
    )
    margin_m: float = setting(0.005, "Least distance to obstacles on free motions, m.", low=0.0, high=0.2)
    motion: str = setting(
        "trajectory",
        "Free motions by our own planner, or by MoveIt's move_action; the approach and the lift are always ours.",
        choices=("trajectory", "moveit"),
    )
    moveit_group: str = setting("panda_arm", "MoveIt's planning group.")
    sample_s: float = setting(0.02, "Time between the points of a trajectory, s.", low=0.001, high=0.5)
    joint_states_timeout_s: float = setting(
        1.0, "Joint states older than this stop the work, s of the wall clock.", low=0.05, high=30.0
    )
    server_timeout_s: float = setting(
        3.0, "How long a controller may take to appear, to accept a goal or to confirm a stop, s of the wall clock.",
        low=0.1, high=60.0,
    )  # fmt: skip
    motion_margin_s: float = setting(5.0, "How much longer than planned a motion may take, s.", low=0.1, high=120.0)
    stall_s: float = setting(2.0, "An arm that stands this long in mid-motion is stalled, s.", low=0.1, high=60.0)
    arrive_rad: float = setting(0.05, "How near to its goal a motion must end, rad a joint.", low=1e-3, high=1.0)
    gripper_timeout_s: float = setting(6.0, "How long the fingers may take, s.", low=0.1, high=60.0)
    rest_rad_s: float = setting(0.03, "An arm slower than this rests, rad/s.", low=1e-4, high=1.0)
    rest_timeout_s: float = setting(
        3.0, "How long to wait for an arm that moves by itself to rest, s.", low=0.0, high=60.0
    )
    planner_timeout_s: float = setting(
        20.0,
        "How long the grasp planner may take to answer with a new image, s of the wall clock.",
        low=0.1,
        high=300.0,
    )
    cloud_timeout_s: float = setting(
        0.5, "How long to wait for the same image's cloud before planning without it, s of the wall clock.", low=0.0,
        high=30.0,
    )  # fmt: skip
    heartbeat_hz: float = setting(
        10.0, "Rate of the heartbeat to the safety node while a goal runs, Hz.", low=0.5, high=100.0, read_only=True
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.obstacles) % BOX_NUMBERS:
            raise InputError(
                "parameter obstacles",
                expected="6 numbers a box: x, y, z, sx, sy, sz",
                got=f"{len(self.obstacles)} numbers",
            )
        sizes = [self.obstacles[i + 3 : i + 6] for i in range(0, len(self.obstacles), BOX_NUMBERS)]
        if any(size <= 0.0 for box in sizes for size in box):
            raise InputError("parameter obstacles", expected="sizes above 0 m", got=f"{sizes}")

    @property
    def pick(self) -> PickConfig:
        """What the skill needs of it."""
        return PickConfig(
            grasps_considered=self.grasps_considered,
            pregrasp_m=self.pregrasp_m,
            lift_m=self.lift_m,
            approach_m_s=self.approach_m_s,
            lift_m_s=self.lift_m_s,
            tree_size=self.tree_size,
        )
