"""Images kept until they are drawn on: as JPEG, a film takes a twentieth of the memory that its pixels would."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_QUALITY = 95


def packed(rgb: NDArray[np.uint8]) -> bytes:
    """An image (H, W, 3) as JPEG."""
    stream = BytesIO()
    Image.fromarray(rgb).save(stream, format="jpeg", quality=_QUALITY)
    return stream.getvalue()


def unpacked(picture: bytes) -> NDArray[np.uint8]:
    """The image (H, W, 3), but for what JPEG loses."""
    return np.asarray(Image.open(BytesIO(picture)))
