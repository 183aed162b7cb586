"""Where keypoints come from: anything that yields frames in order of time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from perception.pose.pose_frame import PoseFrame
from perception.pose.skeletons import Skeleton


class KeypointSource(Protocol):
    """A stream of `PoseFrame`s: a video, a camera, a recording, a simulation.

    Iterating yields frames with growing `time_s`, all of one skeleton. A source that plays files begins anew
    with every `iter`; a camera goes on. `close` frees what it holds and may be called twice.
    """

    @property
    def skeleton(self) -> Skeleton:
        """Rows of every person's keypoints."""
        ...

    @property
    def rate_hz(self) -> float | None:
        """Frames a second where it is known beforehand."""
        ...

    def __iter__(self) -> Iterator[PoseFrame]:
        """Frames in order of time."""
        ...

    def close(self) -> None:
        """Free what the source holds."""
        ...
