"""Retargeting: what a hand did, as what a gripper shall do."""

from policies.retargeting.gripper_motion import GripperMotion, RetargetConfig, retarget
from policies.retargeting.replay import MoveReplay, replay_plan
from policies.retargeting.shown_move import ShownMove, shown_moves

__all__ = ["GripperMotion", "MoveReplay", "RetargetConfig", "ShownMove", "replay_plan", "retarget", "shown_moves"]
