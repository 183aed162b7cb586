"""Free motions are planned at the joints' limits; a real arm's hand has limits of its own."""

from __future__ import annotations

import numpy as np

from envs.arms import ArmModel, JointTrajectory

_SAMPLE_S = 0.01
_SHARE = 0.95


def within_hand_limits(trajectory: JointTrajectory, arm: ArmModel) -> JointTrajectory:
    """The same path, slowed as a whole as far as the grasp frame's largest speeds need it.

    Args:
        trajectory: of this arm.
        arm: whose `hand` says how fast its grasp frame may travel and turn; 5 % below that is what is used.
    """
    times_s = np.append(np.arange(0.0, trajectory.duration_s, _SAMPLE_S), trajectory.duration_s)
    q, dq = trajectory.sample(times_s)
    twist = (arm.pose_and_jacobian(q)[1] @ dq[..., None])[..., 0]  # (m, 6)
    travels, turns = (float(np.linalg.norm(part, axis=-1).max()) for part in (twist[:, :3], twist[:, 3:]))
    share = max(travels / arm.hand.velocity, turns / arm.hand.angular_velocity)
    return trajectory if share <= _SHARE else trajectory.slowed(_SHARE / share)
