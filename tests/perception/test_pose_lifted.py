"""Any network before a depth camera: every frame is lifted by the depth of its own image."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from geometry import InputError, PinholeCamera
from perception.pose import Person, PoseFrame, Skeleton
from perception.pose.images.lifted_pose import LiftedPose
from perception.pose.images.sources import ImageFrame, ImageSource
from perception.pose.skeletons import BODY18

CAMERA = PinholeCamera(width=64, height=48, fx=50.0, fy=50.0, cx=32.0, cy=24.0)


class Walls:
    """Images of a wall that goes away, half a metre an image; the last comes without depth."""

    rate_hz, continuous = 10.0, True

    def __init__(self, camera: PinholeCamera | None = CAMERA) -> None:
        self.camera = camera
        self.closed = False

    def __iter__(self) -> Iterator[ImageFrame]:
        for number in range(4):
            depth_m = np.full((48, 64), 1.0 + 0.5 * number, dtype=np.float32) if number < 3 else None
            yield ImageFrame(time_s=0.1 * number, rgb=np.zeros((48, 64, 3), dtype=np.uint8), depth_m=depth_m)

    def close(self) -> None:
        self.closed = True


class Network:
    """Sees a person flat on the wall, all joints at column 42, row 24."""

    skeleton: Skeleton = BODY18

    def __init__(self, images: ImageSource) -> None:
        self._images = images

    @property
    def rate_hz(self) -> float | None:
        return self._images.rate_hz

    def __iter__(self) -> Iterator[PoseFrame]:
        pixels = np.full((len(BODY18), 2), (42.0, 24.0))
        for image in self._images:
            person = Person(scores=np.ones(len(BODY18)), keypoints_px=pixels)
            yield PoseFrame(time_s=image.time_s, skeleton=BODY18, persons=(person,), camera=self._images.camera)

    def close(self) -> None:
        self._images.close()


def test_every_frame_takes_the_depth_of_its_own_image() -> None:
    frames = list(LiftedPose(Walls(), Network))
    for number, frame in enumerate(frames[:3]):
        metres = frame.persons[0].keypoints_m
        assert metres is not None
        ahead = np.nanmedian(metres[:, 2])
        assert ahead == pytest.approx(1.0 + 0.5 * number, abs=0.15)  # joints lie a little under the skin
        assert np.nanmedian(metres[:, 0]) == pytest.approx(ahead * 10.0 / 50.0, abs=1e-6)


def test_an_image_without_depth_stays_in_pixels() -> None:
    last = list(LiftedPose(Walls(), Network))[-1]
    assert last.persons[0].keypoints_m is None and last.persons[0].keypoints_px is not None


def test_it_is_the_networks_source_and_closes_the_images() -> None:
    walls = Walls()
    source = LiftedPose(walls, Network)
    assert source.skeleton is BODY18 and source.rate_hz == 10.0
    source.close()
    assert walls.closed


def test_a_camera_without_intrinsics_is_refused() -> None:
    with pytest.raises(InputError, match="intrinsics"):
        LiftedPose(Walls(camera=None), Network)
