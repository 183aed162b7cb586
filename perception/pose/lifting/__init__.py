"""From pixels and depth to metres."""

from perception.pose.lifting.lift import lift
from perception.pose.lifting.lift_config import BODY_LIFT, HAND_LIFT, LiftConfig
from perception.pose.lifting.lift_frame import lift_frame

__all__ = ["BODY_LIFT", "HAND_LIFT", "LiftConfig", "lift", "lift_frame"]
