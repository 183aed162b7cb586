"""rclpy.lifecycle."""

from rclpy.lifecycle.managed_entity import ManagedEntity, SimpleManagedEntity
from rclpy.lifecycle.node import LifecycleNode, LifecycleNodeMixin, LifecycleState, TransitionCallbackReturn
from rclpy.lifecycle.publisher import LifecyclePublisher

Node = LifecycleNode
Publisher = LifecyclePublisher
State = LifecycleState
__all__ = [
    "LifecycleNode", "LifecycleNodeMixin", "LifecyclePublisher", "LifecycleState", "ManagedEntity", "Node",
    "Publisher", "SimpleManagedEntity", "State", "TransitionCallbackReturn",
]  # fmt: skip
