"""Keypoints in metres from a depth camera: any network on the colour image, lifted by the depth that came with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from geometry import InputError, PinholeCamera
from perception.pose.images.sources import ImageFrame, ImageSource
from perception.pose.lifting import lift_frame
from perception.pose.pose_frame import PoseFrame
from perception.pose.skeletons import Skeleton
from perception.pose.source import KeypointSource


class LiftedPose:
    """A `KeypointSource` whose frames have metres beside pixels.

    ```
    source = LiftedPose(RGBDFolder("recording"), MediaPipePose)
    ```

    Args:
        images: colour with depth, registered, and the camera's intrinsics.
        network: makes the keypoint source of an image source; it must look at one image after the other.

    Raises:
        InputError: if the camera's intrinsics are not known.
    """

    def __init__(self, images: ImageSource, network: Callable[[ImageSource], KeypointSource]) -> None:
        if images.camera is None:
            raise InputError(
                "LiftedPose", expected="images with the camera's intrinsics", got="none", remedy="give camera="
            )
        self._camera: PinholeCamera = images.camera
        self._images = _RememberingImages(images)
        self._keypoints = network(self._images)

    @property
    def skeleton(self) -> Skeleton:
        """Rows of every person's keypoints."""
        return self._keypoints.skeleton

    @property
    def rate_hz(self) -> float | None:
        """Frames a second where it is known beforehand."""
        return self._keypoints.rate_hz

    def __iter__(self) -> Iterator[PoseFrame]:
        """Frames in order of time; those of images without depth stay as they are."""
        for frame in self._keypoints:
            depth_m = self._images.depth_m
            yield frame if depth_m is None else lift_frame(frame, depth_m, self._camera)

    def close(self) -> None:
        """Free what the source holds."""
        self._keypoints.close()


class _RememberingImages:
    """An image source that keeps the depth of the image that was taken last."""

    def __init__(self, images: ImageSource) -> None:
        self._images = images
        self.depth_m: NDArray[np.float32] | None = None

    @property
    def rate_hz(self) -> float | None:
        return self._images.rate_hz

    @property
    def continuous(self) -> bool:
        return self._images.continuous

    @property
    def camera(self) -> PinholeCamera | None:
        return self._images.camera

    def __iter__(self) -> Iterator[ImageFrame]:
        for image in self._images:
            self.depth_m = image.depth_m
            yield image

    def close(self) -> None:
        self._images.close()
