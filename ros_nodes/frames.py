"""`Frames`: where one frame stood in another at the time of an image, or one line that says why nobody knows."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

from rclpy.clock import JumpThreshold
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.time import Time
from tf2_ros import Buffer, ExtrapolationException, InvalidArgumentException, TransformException, TransformListener

from geometry import FloatArray, InputError
from ros_nodes.messages.poses import matrix_from_transform
from ros_nodes.messages.stamps import nanoseconds_of

_POLL_S = 0.005
_JUMP_BACK_S = 0.1
_AHEAD_S = 1.0


class Lookup(NamedTuple):
    """What a question to TF gave: a transform, or the problem in one line."""

    T: FloatArray | None
    """(4, 4) `T_target_source`, or None."""
    problem: str
    """Why there is no transform; empty where there is one."""


class Frames:
    """TF's buffer and listener of a node. What it heard is forgotten when the node's clock jumps back.

    Args:
        node: whose executor feeds the listener, in a callback group of its own.
        cache_s: how long transforms are kept, seconds.
    """

    def __init__(self, node: Node, *, cache_s: float = 10.0) -> None:
        self._buffer = Buffer(cache_time=Duration(seconds=cache_s))
        self._listener = TransformListener(self._buffer, node)
        self._logger, self._node_clock = node.get_logger(), node.get_clock()
        # The buffer's own way to watch for jumps fails in several releases of tf2_ros, so it is told no clock.
        threshold = JumpThreshold(min_forward=None, min_backward=Duration(seconds=-_JUMP_BACK_S), on_clock_change=True)
        self._jumps = node.get_clock().create_jump_callback(threshold, post_callback=self._on_jump)

    def lookup(self, target: str, source: str, stamp: Any, timeout_s: float = 0.2) -> Lookup:
        """The pose of `source` in `target` at a time, waiting for it a little.

        TF's messages come in through the node's executor, so ask from a thread of your own or from a callback
        under a MultiThreadedExecutor; in the only thread of a single-threaded one, ask with `timeout_s=0.0`.

        Args:
            target: frame in which the answer stands.
            source: frame that is looked for.
            stamp: builtin_interfaces/Time of the image; 0 is the newest that is known.
            timeout_s: longest wait, seconds of the wall clock.
        """
        deadline = time.monotonic() + timeout_s
        stamp_ns = nanoseconds_of(stamp)
        if stamp_ns < 0:
            return Lookup(None, f"no transform from {source!r} to {target!r}: the stamp is {stamp_ns / 1e9:.3f} s")
        asked = Time(nanoseconds=stamp_ns)
        while True:
            try:
                found = self._buffer.lookup_transform(target, source, asked)
                return Lookup(matrix_from_transform(found.transform), "")
            except TransformException as error:
                if time.monotonic() >= deadline or isinstance(error, InvalidArgumentException):
                    ahead_s = self._ahead_s(target, source) if isinstance(error, ExtrapolationException) else 0.0
                    if ahead_s > _AHEAD_S:
                        self.clear()
                    return Lookup(None, _problem(target, source, stamp_ns, timeout_s, error, ahead_s))
            except InputError as error:
                return Lookup(None, f"TF from {source!r} to {target!r}: {error}")
            time.sleep(_POLL_S)

    def clear(self) -> None:
        """Forget every transform that changes with time; static ones stay."""
        self._buffer.clear()

    def close(self) -> None:
        """Stop listening; for `destroy_node`."""
        self._jumps.unregister()
        self._listener.unregister()

    def _ahead_s(self, target: str, source: str) -> float:
        """How far TF's newest word on a chain lies in the node's future.

        The buffer takes nothing that is much older than its newest, so that one stamp from the future keeps
        everything out until its time has come; who finds it had better forget.
        """
        try:
            newest = self._buffer.lookup_transform(target, source, Time()).header.stamp
        except TransformException:
            return 0.0
        return 1e-9 * (nanoseconds_of(newest) - int(self._node_clock.now().nanoseconds))

    def _on_jump(self, _jump: Any) -> None:
        self.clear()
        self._logger.warning("the clock was set back or exchanged: what was known of moving frames is forgotten")


def _problem(target: str, source: str, stamp_ns: int, timeout_s: float, error: Exception, ahead_s: float) -> str:
    """One line: which transform, at what time, what TF says, what to do."""
    said = " ".join(str(error).split()).rstrip(". ")
    if isinstance(error, ExtrapolationException):
        if ahead_s > _AHEAD_S:
            hint = f"TF is stamped {ahead_s:.1f} s in the future: do its publisher's clock and this machine's agree?"
        elif "future" in said:
            hint = "the image is newer than TF: does its publisher run, and do both machines' clocks agree?"
        elif "past" in said:
            hint = "the image is older than what TF keeps: do the camera's and the robot's clocks agree?"
        else:
            hint = "TF heard of it once only: does its publisher run?"
    elif isinstance(error, InvalidArgumentException):
        hint = "a frame's name is not empty and has no leading slash"
    else:
        hint = "is the camera's pose published, and does the message's frame_id name a frame of the tree?"
    waited = f" after {timeout_s:g} s" if timeout_s > 0.0 else ""
    return f"no transform from {source!r} to {target!r} at {stamp_ns / 1e9:.3f} s{waited}: {said}; {hint}"
