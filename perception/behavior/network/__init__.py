"""The temporal network: training on any skeleton set, and beliefs from keypoints, frame by frame or at once."""
