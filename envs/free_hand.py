"""A Panda hand without an arm, driven through the world by a fixed constraint.

This is the gripper of the clutter-removal benchmark (Breyer et al., "Volumetric Grasping
Network", CoRL 2020): it isolates the grasp from the arm's reach. The hand is loaded for one
grasp and removed after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pybullet_data
from scipy.spatial.transform import Rotation

from envs.objects.asset_cache import cached_folder
from envs.world import Body, World
from geometry import PANDA_HAND, FloatArray, invert, to_pos_quat, transform

_TEMPLATE = Path(__file__).with_name("assets") / "panda_hand.urdf"
_LEFT, _RIGHT = 0, 1
_DRIVE_FORCE_N = 300.0
_FINGER_FORCE_N = 20.0
_STEP_M = 0.002
_CLOSE_TIME_S = 0.5
_SHAKE_OFFSETS_M = ((0.0, 0.03, 0.0), (0.0, -0.03, 0.0), (0.03, 0.0, 0.0), (-0.03, 0.0, 0.0), (0.0, 0.0, 0.0))
_SHAKE_STROKE_S = 0.15
_SHAKE_TURN_RAD = np.pi / 6.0


@dataclass(frozen=True, kw_only=True)
class HandDynamics:
    """What the benchmark's dialects set differently in the hand."""

    speed_m_s: float = 0.10
    """Speed of the straight-line motions; the step count of one step is rounded down, as in the source."""
    gear_force_n: float = 50.0
    """Largest force of the constraint that keeps the fingers centred."""
    finger_friction: float = 1.0
    """Lateral friction of the fingers."""
    finger_spinning_friction: float = 0.1
    """Spinning friction of the fingers."""


class FreeHand:
    """A Panda hand in the world, fully open, with its grasp frame at `T_world_grasp`."""

    def __init__(self, world: World, T_world_grasp: FloatArray, dynamics: HandDynamics | None = None) -> None:
        self.world = world
        self.dynamics = dynamics or HandDynamics()
        self.body: Body = world.load_urdf(_urdf(), T_world_grasp @ invert(PANDA_HAND.T_hand_grasp))
        self._T_com_grasp = self.body.T_com_link @ PANDA_HAND.T_hand_grasp
        bullet, uid = world.bullet, self.body.uid
        position, quat_xyzw = to_pos_quat(T_world_grasp @ invert(self._T_com_grasp))
        self._constraint = bullet.createConstraint(
            uid, -1, -1, -1, bullet.JOINT_FIXED, (0, 0, 0), (0, 0, 0), position, (0, 0, 0, 1), quat_xyzw
        )
        self._drive_to(T_world_grasp)
        gear = bullet.createConstraint(uid, _LEFT, uid, _RIGHT, bullet.JOINT_GEAR, (1, 0, 0), (0, 0, 0), (0, 0, 0))
        bullet.changeConstraint(gear, gearRatio=-1, erp=0.1, maxForce=self.dynamics.gear_force_n)
        for joint in (_LEFT, _RIGHT):
            bullet.resetJointState(uid, joint, 0.5 * PANDA_HAND.max_width_m)
            bullet.changeDynamics(
                uid,
                joint,
                lateralFriction=self.dynamics.finger_friction,
                spinningFriction=self.dynamics.finger_spinning_friction,
            )
        self._drive_fingers(PANDA_HAND.max_width_m)

    @property
    def width_m(self) -> float:
        """Present gap between the fingers."""
        return float(sum(state[0] for state in self.world.bullet.getJointStates(self.body.uid, (_LEFT, _RIGHT))))

    def pose(self) -> FloatArray:
        """(4, 4) `T_world_grasp`."""
        return self.body.pose() @ PANDA_HAND.T_hand_grasp

    def in_contact(self) -> bool:
        """Whether anything touches the hand after the last step."""
        return bool(self.world.contacts(self.body))

    def move_to(self, T_world_grasp: FloatArray, *, stop_on_contact: bool) -> bool:
        """Move in a straight line without turning; True if the way was gone to its end."""
        T = self.pose()
        offset = T_world_grasp[:3, 3] - T[:3, 3]
        count = int(np.linalg.norm(offset) / _STEP_M)
        if count == 0:
            return True
        duration_s = float(np.linalg.norm(offset)) / count / self.dynamics.speed_m_s
        steps = max(1, int(duration_s / self.world.timestep_s))
        for _ in range(count):
            T[:3, 3] += offset / count
            self._drive_to(T)
            self.world.step(steps)
            if stop_on_contact and self.in_contact():
                return False
        return True

    def close_fingers(self) -> None:
        """Close for half a second, with what force the fingers have."""
        self._drive_fingers(0.0)
        self.world.step(int(_CLOSE_TIME_S / self.world.timestep_s))

    def shake(self) -> None:
        """Jerk what is held: 3 cm to each side along y and x at about 0.3 m/s, then 30 degrees about y and back."""
        T = self.pose()
        for offset in _SHAKE_OFFSETS_M:
            self._drive_to(T @ transform(translation=offset))
            self.world.step(round(_SHAKE_STROKE_S / self.world.timestep_s))
        for angle_rad in (_SHAKE_TURN_RAD, -_SHAKE_TURN_RAD, 0.0):
            self._drive_to(T @ transform(Rotation.from_rotvec((0.0, angle_rad, 0.0))))
            self.world.step(round(_SHAKE_STROKE_S / self.world.timestep_s))

    def remove(self) -> None:
        """Take the hand out of the world."""
        self.world.remove(self.body)

    def _drive_to(self, T_world_grasp: FloatArray) -> None:
        position, quat_xyzw = to_pos_quat(T_world_grasp @ invert(self._T_com_grasp))
        self.world.bullet.changeConstraint(
            self._constraint, jointChildPivot=position, jointChildFrameOrientation=quat_xyzw, maxForce=_DRIVE_FORCE_N
        )

    def _drive_fingers(self, width_m: float) -> None:
        self.world.bullet.setJointMotorControlArray(
            self.body.uid,
            (_LEFT, _RIGHT),
            self.world.bullet.POSITION_CONTROL,
            targetPositions=(0.5 * width_m, 0.5 * width_m),
            forces=(_FINGER_FORCE_N, _FINGER_FORCE_N),
        )


@cache
def _urdf() -> Path:
    """The hand's URDF with the meshes' folder filled in; Bullet looks for meshes beside the URDF only."""
    meshes = Path(pybullet_data.getDataPath()) / "franka_panda" / "meshes"
    text = _TEMPLATE.read_text(encoding="utf-8").replace("{meshes}", str(meshes))

    def write(folder: Path) -> None:
        (folder / _TEMPLATE.name).write_text(text, encoding="utf-8")

    return cached_folder("hand", text.encode(), write) / _TEMPLATE.name
