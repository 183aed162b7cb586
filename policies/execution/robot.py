"""The robot at the bench as the skills drive it: looking, moving, opening and closing the hand, and a log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from envs.panda import IKConfig, JointTrajectory, follow, grasp_pose, joint_motion, plan_motion, solve_ik, straight_line
from envs.workbench import LOOK_Q, TABLE, TAKER, Layout, Thing, Workbench
from geometry import PANDA_HAND, FloatArray, invert, transform
from policies.execution.bench_model import BenchModel
from policies.execution.sight import Locate, levelled
from policies.programs import Step, WorldState, observed_state

TREE_SIZE = 60
"""Postures that the motion planner's random tree may try."""
QUICK_IK = IKConfig(position_tolerance_m=1e-4, angle_tolerance_rad=1e-3, iterations=25, restarts=4)
"""Inverse kinematics to a tenth of a millimetre."""
GRIP_N = 20.0
"""Closing force of each finger; much less than the hand can, for things that weigh some ten grams."""
_AWAY_M = (0.06, 0.12)
_PUSHED_N = 15.0
_RISE_M_S, _SLOWEST = 0.3, 4.0


@dataclass(frozen=True, kw_only=True)
class Held:
    """What the hand holds, and how."""

    thing: Thing
    """The thing."""
    T_grasp_thing: FloatArray
    """(4, 4) its pose in the grasp frame."""
    level: bool
    """Whether it must be kept upright, for what it holds."""


class BenchRobot:
    """The arm at one bench, with what it believes of the bench.

    Args:
        bench: where it works.
        locate: tells where everything is.
        rng: for the motion planner.
    """

    def __init__(self, bench: Workbench, locate: Locate, rng: np.random.Generator) -> None:
        self.bench, self.arm, self.rng = bench, bench.arm, rng
        self.model = BenchModel(bench)
        self.held: Held | None = None
        """What it holds, as it believes."""
        self.events: list[str] = []
        """What happened so far, one line each."""
        self._locate = locate
        self.layout: Layout = {}
        """Where things were at the last look."""
        self.look()

    def look(self) -> Layout:
        """Look where everything is; what stands is taken to stand level, and a pose that is no pose is not seen."""
        seen = self._locate()
        carried = None if self.held is None else self.held.thing.name
        things = self.bench.things
        self.layout = {
            name: T if name == carried or name not in things else levelled(T, things[name].size_m)
            for name, T in seen.items()
            if np.isfinite(T).all()
        }
        return self.layout

    def unseen(self, steps: Sequence[Step]) -> str:
        """What of all that some steps speak of was not seen at the last look, in words; empty where all was."""
        named = [name for step in steps for name in (step.object, getattr(step, "to", TABLE))]
        gone = [repr(name) for name in dict.fromkeys(named) if name != TABLE and name not in self.layout]
        return f"{', '.join(gone)} not seen" if gone else ""

    def state(self) -> WorldState:
        """What is true of hand and things, as far as the last look and the fingers tell."""
        taker = self.bench.taker
        return observed_state(
            list(self.bench.things.values()),
            self.layout,
            None if self.held is None else self.held.thing.name,
            taken={} if taker is None or taker.holding is None else {taker.holding: TAKER},
            persons=() if taker is None else (TAKER,),
        )

    def note(self, text: str) -> None:
        """Write down what happens."""
        self.events.append(f"{self.bench.world.time_s:6.1f} s  {text}")

    def ik(self, T_world_grasp: FloatArray, q_seed: FloatArray | None = None) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Postures (..., 7) for grasp frames (..., 4, 4), and where there is one (...)."""
        solved = solve_ik(
            invert(self.arm.T_world_base) @ T_world_grasp, self.arm.q if q_seed is None else q_seed, config=QUICK_IK
        )
        return solved.q, solved.converged

    def refresh(self, *leave_out: str) -> None:
        """Tell the collision checks where things are; what is held moves with the hand."""
        held = self.held
        self.model.believe(self.layout, (*leave_out, *(() if held is None else (held.thing.name,))))
        self.model.collision.detach()
        if held is not None:
            self.model.collision.attach_box(0.5 * np.array(held.thing.size_m), held.T_grasp_thing)

    def is_free(self, q: FloatArray) -> bool:
        """Whether a posture (7,) or path (k, 7) keeps clear of everything."""
        return self.model.collision.check(q).free

    def are_free(self, q: FloatArray) -> bool:
        """Whether each of some postures (k, 7) keeps clear of everything, whatever lies between them."""
        return all(self.is_free(posture) for posture in q)

    def go(self, q: FloatArray, *, speed: float = 1.0) -> bool:
        """Move to a posture around what stands there; False where no way was found and nothing moved."""
        motion = plan_motion(self.model.collision, self.arm.q, q, self.rng, speed=speed, tree_size=TREE_SIZE)
        if motion.trajectory is None:
            return False
        self.follow(motion.trajectory)
        return True

    def go_level(self, T_world_grasp: FloatArray, *, speed_m_s: float = 0.3) -> bool:
        """Move so that what is upright stays upright: turn about the vertical, then straight; False where blocked."""
        place = T_world_grasp[:3, 3]
        start = self.arm.T_world_grasp
        turn = float(np.arctan2(place[1], place[0]) - np.arctan2(start[1, 3], start[0, 3]))
        q = self.arm.q
        turned = q + np.array([turn, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
        for first in ([turned], []):
            begin = first[-1] if first else q
            if first and not self._turns(q, begin):
                continue
            line = straight_line(begin, invert(self.arm.T_world_base) @ T_world_grasp, speed_m_s=speed_m_s)
            if line.trajectory is None or not self.is_free(line.q):
                continue
            if first:
                self.follow(joint_motion(q, begin, speed=0.5))
            self.follow(line.trajectory)
            return True
        return False

    def line(
        self, T_world_grasp: FloatArray, *, speed_m_s: float = 0.15, stop_when: Callable[[], bool] | None = None
    ) -> bool:
        """Move straight, whatever stands there; False where the arm cannot or was stopped on the way."""
        line = straight_line(self.arm.q, invert(self.arm.T_world_base) @ T_world_grasp, speed_m_s=speed_m_s)
        return line.trajectory is not None and self.follow(line.trajectory, stop_when)

    def follow(self, trajectory: JointTrajectory, stop_when: Callable[[], bool] | None = None) -> bool:
        """Drive along a motion; False where it was stopped on the way."""
        return follow(self.arm, trajectory, stop_when=stop_when).completed

    def can_rise(self, q: FloatArray, height_m: float) -> bool:
        """Whether the hand can go straight up from a posture, and at a good pace: not along the edge of its reach."""
        T = self.arm.T_world_base @ grasp_pose(q)
        T[2, 3] += height_m
        line = straight_line(q, invert(self.arm.T_world_base) @ T, speed_m_s=_RISE_M_S)
        return line.trajectory is not None and line.trajectory.duration_s < _SLOWEST * height_m / _RISE_M_S

    def rise(self, height_m: float, *, speed_m_s: float = _RISE_M_S) -> bool:
        """Straight up, as far of that as the arm can."""
        for share in (1.0, 0.6, 0.3):
            T = self.arm.T_world_grasp
            T[2, 3] += share * height_m
            if self.line(T, speed_m_s=speed_m_s):
                return True
        return False

    def back_off(self, distance_m: float = 0.08) -> None:
        """Draw the hand straight back, as far of that as the arm can."""
        for share in (1.0, 0.5, 0.25):
            if self.line(self.arm.T_world_grasp @ transform(translation=(0.0, 0.0, -share * distance_m))):
                return

    def look_posture(self) -> None:
        """Move out of the camera's sight; up and away first where the hand is hemmed in."""
        self.refresh()
        for up_m in (0.0, *_AWAY_M):
            if up_m:
                self.rise(up_m)
            if self.go(LOOK_Q):
                return
        self.follow(joint_motion(self.arm.q, LOOK_Q, speed=0.3), self.pushes)

    def open(self, width_m: float = PANDA_HAND.max_width_m) -> None:
        """Open the hand and wait for it."""
        self.arm.gripper.open(float(np.clip(width_m, 0.0, PANDA_HAND.max_width_m)))
        self.arm.gripper.settle()

    def close(self) -> None:
        """Close the hand and wait for it."""
        self.arm.gripper.close(force_n=GRIP_N)
        self.arm.gripper.settle()

    def grips(self, name: str) -> bool:
        """Whether the fingers feel that they hold a thing."""
        return self.arm.gripper.hold().holds(0.002) and self.bench.held() == name

    def pushes(self) -> bool:
        """Whether the arm presses hard on something that it does not hold."""
        held = -1 if self.held is None else self.bench.bodies[self.held.thing.name].uid
        return any(c.normal_force_n > _PUSHED_N and c.body_b != held for c in self.arm.contacts())

    def shutdown(self) -> None:
        """Free what the collision checks use."""
        self.model.close()

    def _turns(self, q_from: FloatArray, q_to: FloatArray) -> bool:
        """Whether the arm may go straight from one posture to another."""
        return bool(abs(q_to[0]) < 2.85) and self.is_free(np.stack([q_from, q_to]))
