"""Keypoints out of images: sources of images, MediaPipe, and local SimCC networks (RTMPose, RTMW)."""
