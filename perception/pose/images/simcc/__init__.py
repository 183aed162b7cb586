"""Top-down networks that tell a joint by its column and its row (SimCC): RTMPose, RTMW."""

from perception.pose.images.simcc.crop import Crop
from perception.pose.images.simcc.decoding import decode_simcc
from perception.pose.images.simcc.simcc_pose import BoxDetector, SimccPose

__all__ = ["BoxDetector", "Crop", "SimccPose", "decode_simcc"]
