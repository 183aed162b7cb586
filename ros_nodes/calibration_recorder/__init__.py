"""Records the samples that `graspmimic calibrate` reads: an image of the board, and where the gripper was."""
