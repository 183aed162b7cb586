"""Joins each image with the camera information that holds for it, without waiting where none need be waited for."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Generic, TypeVar

ImageT = TypeVar("ImageT")
InfoT = TypeVar("InfoT")

_REMEMBERED = 8


@dataclass(frozen=True)
class FramePair(Generic[ImageT, InfoT]):
    """An image and its camera information."""

    stamp_ns: int
    """The image's time."""
    image: ImageT
    """The image."""
    info: InfoT
    """What was said of the camera with it, or last before it."""


class FramePairs(Generic[ImageT, InfoT]):
    """Pairs images with camera information by their stamps.

    As long as information comes along with every image, each image waits for its own, so that a camera that changes
    its resolution or its lens is never read with the old numbers. Where it comes once (latched) or seldom, or was
    lost on the way, an image takes the newest there is. Nothing is kept but the newest image that waits.
    """

    def __init__(self) -> None:
        self._infos: OrderedDict[int, InfoT] = OrderedDict()
        self._waiting: tuple[int, ImageT] | None = None
        self._comes_along = False
        self._last_ns: int | None = None
        self.unmatched = 0
        """Images that a newer one replaced before any information came for them."""

    def add_image(self, stamp_ns: int, image: ImageT) -> FramePair[ImageT, InfoT] | None:
        """Take an image.

        Args:
            stamp_ns: its time.
            image: anything.
        Returns:
            The pair, or None where the image waits for its camera information.
        """
        if self._waiting is not None:
            self._waiting, self._comes_along = None, False
            self.unmatched += 1
        if stamp_ns in self._infos:
            self._comes_along = True
            return self._pair(stamp_ns, image, self._infos[stamp_ns])
        if self._infos and not self._comes_along:
            return self._pair(stamp_ns, image, next(reversed(self._infos.values())))
        self._waiting = (stamp_ns, image)
        return None

    def add_info(self, stamp_ns: int, info: InfoT) -> FramePair[ImageT, InfoT] | None:
        """Take camera information.

        Args:
            stamp_ns: its time.
            info: anything.
        Returns:
            The pair that was waiting for it, if any.
        """
        first = not self._infos
        self._infos.pop(stamp_ns, None)
        self._infos[stamp_ns] = info
        while len(self._infos) > _REMEMBERED:
            self._infos.popitem(last=False)
        if self._waiting is not None and (first or stamp_ns == self._waiting[0]):
            (image_ns, image), self._waiting = self._waiting, None
            self._comes_along = stamp_ns == image_ns
            return self._pair(image_ns, image, info)
        if self._waiting is None and stamp_ns == self._last_ns:
            self._comes_along = True
        return None

    @property
    def waits_for_info(self) -> bool:
        """Whether images came, but never any camera information."""
        return not self._infos and (self._waiting is not None or self.unmatched > 0)

    def clear(self) -> None:
        """Forget everything, as after a jump of the clock or on another camera."""
        self._infos.clear()
        self._waiting, self._last_ns, self._comes_along = None, None, False

    def _pair(self, stamp_ns: int, image: ImageT, info: InfoT) -> FramePair[ImageT, InfoT]:
        self._last_ns = stamp_ns
        return FramePair(stamp_ns, image, info)
