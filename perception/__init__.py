"""What the robot sees: point clouds, grasps, poses, behaviour. Never imports the simulated world."""
