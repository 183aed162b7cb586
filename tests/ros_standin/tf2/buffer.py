"""tf2_ros.Buffer: the transform tree with waiting."""

from __future__ import annotations

import time as system_time
from typing import Any

from .core import BufferCore

_POLL_S = 0.02


class Buffer(BufferCore):
    """What tf2_ros.Buffer offers; a timeout is waited for in system time, in steps of 20 ms."""

    def __init__(self, cache_time: Any = None, node: Any = None) -> None:
        """Keep transforms for a Duration; with a node, offer "tf2_frames" and follow its clock's jumps."""
        super().__init__(cache_time)
        if node is not None:
            from tf2_msgs.srv import FrameGraph

            self.srv = node.create_service(FrameGraph, "tf2_frames", self._answer_frames)
            self._watch(node.get_clock())

    def lookup_transform(self, target_frame: str, source_frame: str, time: Any, timeout: Any = None) -> Any:
        """The transform from the source frame to the target frame; waits at most `timeout` for it."""
        self.can_transform(target_frame, source_frame, time, timeout)
        return self.lookup_transform_core(target_frame, source_frame, time)

    def lookup_transform_full(
        self,
        target_frame: str,
        target_time: Any,
        source_frame: str,
        source_time: Any,
        fixed_frame: str,
        timeout: Any = None,
    ) -> Any:
        """The transform between frames at two times, by way of a fixed frame."""
        self.can_transform(fixed_frame, source_frame, source_time, timeout)
        self.can_transform(target_frame, fixed_frame, target_time, timeout)
        return self.lookup_transform_full_core(target_frame, target_time, source_frame, source_time, fixed_frame)

    def can_transform(
        self,
        target_frame: str,
        source_frame: str,
        time: Any,
        timeout: Any = None,
        return_debug_tuple: bool = False,
    ) -> Any:
        """Whether the look-up answers, after waiting at most `timeout`; with a flag also why not."""
        deadline = system_time.monotonic() + (0.0 if timeout is None else timeout.nanoseconds * 1e-9)
        answer = self.can_transform_core(target_frame, source_frame, time)
        while not answer[0] and system_time.monotonic() < deadline:
            system_time.sleep(_POLL_S)
            answer = self.can_transform_core(target_frame, source_frame, time)
        return answer if return_debug_tuple else answer[0]

    def _watch(self, clock: Any) -> None:
        from rclpy.clock import JumpThreshold
        from rclpy.duration import Duration

        back = JumpThreshold(min_forward=None, min_backward=Duration(seconds=-1), on_clock_change=True)
        self.jump_handle = clock.create_jump_callback(back, post_callback=lambda jump: self.clear())

    def _answer_frames(self, request: Any, response: Any) -> Any:
        response.frame_yaml = self.all_frames_as_yaml()
        return response
