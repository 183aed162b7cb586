"""Keypoints in images by a local RTMPose or RTMW file: boxes first, then one network for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, InputError
from perception.pose.images.simcc.simcc_network import SimccNetwork
from perception.pose.images.sources import ImageFrame, ImageSource
from perception.pose.pose_frame import Hand, Person, PoseFrame
from perception.pose.skeletons import COCO17, HAND21, WHOLEBODY133, Skeleton, hand_of_wholebody

BoxDetector = Callable[[NDArray[np.uint8]], Sequence[FloatArray]]
"""Boxes (4,) u0, v0, u1, v1 in pixels of the persons in an image (H, W, 3)."""

_LAYOUTS = {len(layout): layout for layout in (COCO17, HAND21, WHOLEBODY133)}
_MIN_JOINTS, _MIN_BOX_PX = 3, 16.0


class SimccPose:
    """A `KeypointSource`: persons in pixels by a SimCC network.

    The network's number of joints tells the layout: 17 COCO17, 133 WHOLEBODY133 (hands are given apart as well),
    21 HAND21. Without a detector there is one person: the first box is the whole image; in a film, later boxes are
    about the joints that were found before, and the whole image again once they are lost.

    Args:
        source: images.
        onnx_file: the network.
        detector: finds the persons' boxes.
        min_score: a person whose joints have a lower mean score is not there; joints below it draw no box.
        threads: of the processor.

    Raises:
        InputError: if onnxruntime is missing, or the file is no such network, or has another number of joints.
    """

    def __init__(
        self,
        source: ImageSource,
        onnx_file: str | Path,
        *,
        detector: BoxDetector | None = None,
        min_score: float = 0.3,
        threads: int = 1,
    ) -> None:
        self.source, self._detector, self._min_score = source, detector, min_score
        self._network = SimccNetwork(onnx_file, threads=threads)
        if self._network.joints not in _LAYOUTS:
            raise InputError(
                str(onnx_file), expected=f"a network of {sorted(_LAYOUTS)} joints", got=f"{self._network.joints}"
            )

    @property
    def skeleton(self) -> Skeleton:
        """Rows of every person's keypoints."""
        return _LAYOUTS[self._network.joints]

    @property
    def rate_hz(self) -> float | None:
        """Frames a second where it is known beforehand."""
        return self.source.rate_hz

    def __iter__(self) -> Iterator[PoseFrame]:
        """Frames in order of time, each with its image."""
        last: FloatArray | None = None
        for image in self.source:
            boxes = self._boxes(image, last)
            found = [
                (points, scores)
                for points, scores in self._network.find(image.rgb, boxes)
                if scores.mean() >= self._min_score
            ]
            last = self._box_of(found[0]) if found and self.source.continuous else None
            yield PoseFrame(
                time_s=image.time_s,
                skeleton=self.skeleton,
                persons=tuple(self._person(points, scores) for points, scores in found),
                camera=self.source.camera,
                rgb=image.rgb,
            )

    def close(self) -> None:
        """Close the images."""
        self.source.close()

    def _boxes(self, image: ImageFrame, last: FloatArray | None) -> Sequence[FloatArray]:
        if self._detector is not None:
            return self._detector(image.rgb)
        height, width = image.rgb.shape[:2]
        return [np.array([0.0, 0.0, width, height]) if last is None else last]

    def _box_of(self, found: tuple[FloatArray, FloatArray]) -> FloatArray | None:
        """The box about the joints that were found; None where they are too few or too close together."""
        points, scores = found
        seen = points[(scores >= self._min_score) & np.isfinite(points).all(axis=1)]
        if len(seen) < _MIN_JOINTS or np.ptp(seen, axis=0).min() < _MIN_BOX_PX:
            return None
        return np.concatenate([seen.min(axis=0), seen.max(axis=0)])

    def _person(self, points: FloatArray, scores: FloatArray) -> Person:
        if self.skeleton is not WHOLEBODY133:
            return Person(scores=scores, keypoints_px=points)
        left, right = (hand_of_wholebody(points, scores, WHOLEBODY133, side) for side in ("left", "right"))
        return Person(
            scores=scores,
            keypoints_px=points,
            left_hand=Hand(keypoints_px=left[0], scores=left[1]),
            right_hand=Hand(keypoints_px=right[0], scores=right[1]),
        )
