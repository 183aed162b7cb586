"""Top-down networks that tell a joint by its column and its row (SimCC): RTMPose, RTMW."""
