"""ROS 2 nodes: thin shells over the floors below; the only place that imports rclpy."""
