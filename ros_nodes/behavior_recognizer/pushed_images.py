"""An image source that is fed one image at a time, so that any keypoint source can be asked image by image."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from geometry import PinholeCamera
from perception.pose import KeypointSource, PoseFrame
from perception.pose.images.sources import ImageFrame, ImageSource
from perception.pose.lifting import lift_frame

PoseNetwork = Callable[[ImageSource], KeypointSource]
"""Makes the keypoint source of an image source; it must look at one image after the other."""


class PushedImages:
    """An `ImageSource` whose next image is the one that was put there last."""

    def __init__(self) -> None:
        self.next_image: ImageFrame | None = None

    @property
    def rate_hz(self) -> float | None:
        """Not known."""
        return None

    @property
    def continuous(self) -> bool:
        """One image follows from the last."""
        return True

    @property
    def camera(self) -> PinholeCamera | None:
        """Not known; metres are made from depth afterwards."""
        return None

    def __iter__(self) -> Iterator[ImageFrame]:
        """The images that are put there, until there is none."""
        while self.next_image is not None:
            image, self.next_image = self.next_image, None
            yield image

    def close(self) -> None:
        """Nothing is held."""


class PoseReader:
    """Keypoints of one image after the other, in metres too where its depth came with it.

    Args:
        network: see `PoseNetwork`; called once here and after every `restart`.

    Raises:
        InputError: if the network's files or packages are missing.
    """

    def __init__(self, network: PoseNetwork) -> None:
        self._network = network
        self._images, self._source = self._opened()
        self._frames = iter(self._source)

    def read(
        self,
        rgb: NDArray[np.uint8],
        time_s: float,
        *,
        depth_m: NDArray[np.float32] | None = None,
        camera: PinholeCamera | None = None,
    ) -> PoseFrame:
        """Find the people in an image.

        Args:
            rgb: (H, W, 3), not mirrored.
            time_s: when it was taken, later than the last.
            depth_m: (H, W) metres, registered to the image.
            camera: intrinsics of both.
        Raises:
            InputError: if the depth has another size than the image or the camera.
        """
        self._images.next_image = ImageFrame(time_s=time_s, rgb=rgb, depth_m=depth_m)
        frame = replace(next(self._frames), rgb=None)
        if depth_m is None or camera is None:
            return frame
        return lift_frame(frame, depth_m, camera)

    def restart(self) -> None:
        """Begin anew, as after a jump of the clock: nothing follows from what was seen before."""
        self.close()
        self._images, self._source = self._opened()
        self._frames = iter(self._source)

    def close(self) -> None:
        """Free the networks."""
        self._images.next_image = None
        with suppress(StopIteration):
            next(self._frames)  # the source's loop ends, and with it what it holds
        self._source.close()

    def _opened(self) -> tuple[PushedImages, KeypointSource]:
        images = PushedImages()
        return images, self._network(images)
