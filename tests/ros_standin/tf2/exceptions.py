"""tf2's exceptions, as tf2_py defines them and tf2_ros passes them on."""

from __future__ import annotations


class TransformException(Exception):
    """Base of all exceptions of tf2."""


class ConnectivityException(TransformException):
    """The two frames are not in one tree."""


class LookupException(TransformException):
    """A frame does not exist."""


class ExtrapolationException(TransformException):
    """The time asked for is outside of what a cache holds."""


class InvalidArgumentException(TransformException):
    """A frame's name is empty or starts with a slash."""


class TimeoutException(TransformException):
    """Nothing came in time."""
