"""From depth images or point clouds to ranked grasps: a lifecycle node around `perception.grasping.GraspDetector`."""
