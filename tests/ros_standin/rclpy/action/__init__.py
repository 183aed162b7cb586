"""rclpy.action."""


class ActionClient: ...


class ActionServer: ...
