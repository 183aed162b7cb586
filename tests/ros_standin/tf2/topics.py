"""tf2_ros on topics: the listener on /tf and /tf_static, and the two broadcasters."""

from __future__ import annotations

from threading import Thread
from typing import Any

_AUTHORITY = "default_authority"


class TransformListener:
    """Feeds a buffer from /tf and /tf_static, in a reentrant callback group."""

    def __init__(
        self, buffer: Any, node: Any, *, spin_thread: bool = False, qos: Any = None, static_qos: Any = None
    ) -> None:
        """Subscribe with the node; with `spin_thread`, an executor of its own spins the node."""
        from rclpy.callback_groups import ReentrantCallbackGroup

        self.buffer, self.node = buffer, node
        self.group = ReentrantCallbackGroup()
        message = _tf_message()
        self.tf_sub = node.create_subscription(
            message, "/tf", self.callback, qos or _profile(100), callback_group=self.group
        )
        self.tf_static_sub = node.create_subscription(
            message,
            "/tf_static",
            self.static_callback,
            static_qos or _profile(100, latched=True),
            callback_group=self.group,
        )
        if spin_thread:
            self._spin()

    def __del__(self) -> None:
        """Stop as tf2_ros does."""
        if hasattr(self, "dedicated_listener_thread"):
            self.executor.shutdown()
            self.dedicated_listener_thread.join()
        self.unregister()

    def unregister(self) -> None:
        """End the subscriptions."""
        for name in ("tf_sub", "tf_static_sub"):
            if hasattr(self, name):
                self.node.destroy_subscription(getattr(self, name))

    def callback(self, data: Any) -> None:
        """Take transforms of /tf."""
        for transform in data.transforms:
            self.buffer.set_transform(transform, _AUTHORITY)

    def static_callback(self, data: Any) -> None:
        """Take transforms of /tf_static."""
        for transform in data.transforms:
            self.buffer.set_transform_static(transform, _AUTHORITY)

    def _spin(self) -> None:
        from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor

        self.executor = executor = SingleThreadedExecutor()
        node = self.node

        def run() -> None:
            executor.add_node(node)
            try:
                executor.spin()
            except ExternalShutdownException:
                pass
            executor.remove_node(node)

        self.dedicated_listener_thread = Thread(target=run)
        self.dedicated_listener_thread.start()


class TransformBroadcaster:
    """Publishes transforms on /tf."""

    def __init__(self, node: Any, qos: Any = None) -> None:
        """Make the publisher."""
        self.pub_tf = node.create_publisher(_tf_message(), "/tf", qos or _profile(100))

    def sendTransform(self, transform: Any) -> None:
        """Publish one transform, or several in one message."""
        self.pub_tf.publish(_tf_message()(transforms=_as_list(transform)))


class StaticTransformBroadcaster:
    """Publishes latched transforms on /tf_static: only the newest message of each broadcaster is kept."""

    def __init__(self, node: Any, qos: Any = None) -> None:
        """Make the publisher."""
        self.pub_tf = node.create_publisher(_tf_message(), "/tf_static", qos or _profile(1, latched=True))

    def sendTransform(self, transform: Any) -> None:
        """Publish one transform, or several in one message."""
        self.pub_tf.publish(_tf_message()(transforms=_as_list(transform)))


def _as_list(transform: Any) -> list[Any]:
    return list(transform) if hasattr(transform, "__iter__") else [transform]


def _tf_message() -> Any:
    from tf2_msgs.msg import TFMessage

    return TFMessage


def _profile(depth: int, *, latched: bool = False) -> Any:
    from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile

    durability = DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE
    return QoSProfile(depth=depth, durability=durability, history=HistoryPolicy.KEEP_LAST)
