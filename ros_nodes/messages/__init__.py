"""Between ROS messages and arrays, both ways; a file a kind of message, none with a loop over points or pixels.

Every function takes rclpy's messages and those that `rosbags` reads from a bag. A message that makes no sense raises
InputError with one line.
"""
