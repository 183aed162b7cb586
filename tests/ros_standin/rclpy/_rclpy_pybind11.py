"""The errors that the compiled part of rclpy raises."""

from __future__ import annotations


class RCLError(RuntimeError):
    """Raised when the layer below rclpy refuses."""


class RCLInvalidROSArgsError(RCLError):
    """Raised for `--ros-args` that cannot be read."""


class InvalidHandle(RuntimeError):
    """Raised when something destroyed is used."""


class UnknownROSArgsError(RuntimeError):
    """Raised for `--ros-args` that nobody knows."""


class NodeNameNonExistentError(RCLError):
    """Raised when a node is asked about that is not there."""
