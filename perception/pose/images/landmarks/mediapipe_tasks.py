"""MediaPipe's body and hand landmarkers, behind plain arrays: the only room that imports mediapipe.

Sides: the tasks name a hand as it is in an image that was not mirrored. (The package's older interface assumed a
mirrored one and said the opposite of the same hand.)
"""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, InputError
from perception.pose.images.landmarks.landmark_models import LandmarkModels


class FoundBody(NamedTuple):
    """Landmarks of one body."""

    keypoints_px: FloatArray
    """(33, 2); where a joint is out of the image, the network's guess."""
    scores: FloatArray
    """(33,) visibility, 0 to 1."""


class FoundHand(NamedTuple):
    """Landmarks of one hand."""

    keypoints_px: FloatArray
    """(21, 2)."""
    side: str
    """ "left" or "right"."""
    score: float
    """Confidence in the side, 0 to 1; there is none for single points."""


class LandmarkTasks:
    """The two landmarkers; use it as a context.

    Args:
        models: prepared model files.
        body: whether bodies are looked for.
        hands: whether hands are looked for.
        max_persons: bodies, and pairs of hands, at most.
        follow: start from where the last image's landmarks were, for images that follow one another.
        min_score: detections, presence and tracks below it are dropped, 0 to 1.

    Raises:
        InputError: if mediapipe is not installed, or cannot load the models.
    """

    def __init__(
        self, models: LandmarkModels, *, body: bool, hands: bool, max_persons: int, follow: bool, min_score: float
    ) -> None:
        self._mediapipe, tasks = _import_mediapipe()
        self._follow, self._last_ms = follow, -1
        mode = tasks.vision.RunningMode.VIDEO if follow else tasks.vision.RunningMode.IMAGE
        self._open = ExitStack()
        self._body: Any = None
        self._hand: Any = None
        try:
            if body:
                pose_options = tasks.vision.PoseLandmarkerOptions(
                    base_options=tasks.BaseOptions(model_asset_path=str(models.pose)),
                    running_mode=mode,
                    num_poses=max_persons,
                    min_pose_detection_confidence=min_score,
                    min_pose_presence_confidence=min_score,
                    min_tracking_confidence=min_score,
                )
                self._body = self._open.enter_context(tasks.vision.PoseLandmarker.create_from_options(pose_options))
            if hands:
                hand_options = tasks.vision.HandLandmarkerOptions(
                    base_options=tasks.BaseOptions(model_asset_path=str(models.hand)),
                    running_mode=mode,
                    num_hands=2 * max_persons,
                    min_hand_detection_confidence=min_score,
                    min_hand_presence_confidence=min_score,
                    min_tracking_confidence=min_score,
                )
                self._hand = self._open.enter_context(tasks.vision.HandLandmarker.create_from_options(hand_options))
        except (RuntimeError, ValueError, FileNotFoundError) as error:
            self._open.close()
            raise InputError(
                f"{models.pose.parent}",
                expected="landmark models that mediapipe can load",
                got=str(error).splitlines()[0],
                remedy="run `graspmimic setup pose` to prepare them anew",
            ) from None

    def __enter__(self) -> LandmarkTasks:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free the networks."""
        self._open.close()

    def find(self, rgb: NDArray[np.uint8], time_s: float) -> tuple[list[FoundBody], list[FoundHand]]:
        """Bodies and hands in an image of (H, W, 3).

        Args:
            rgb: the image, not mirrored.
            time_s: when it was taken; only its order matters.
        """
        image = self._mediapipe.Image(
            image_format=self._mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(rgb, dtype=np.uint8)
        )
        self._last_ms = max(self._last_ms + 1, round(1000.0 * time_s))
        size = np.array([rgb.shape[1], rgb.shape[0]], dtype=float)
        bodies = [] if self._body is None else _bodies(self._run(self._body, image), size)
        hands = [] if self._hand is None else _hands(self._run(self._hand, image), size)
        return bodies, hands

    def _run(self, landmarker: Any, image: Any) -> Any:
        return landmarker.detect_for_video(image, self._last_ms) if self._follow else landmarker.detect(image)


def _bodies(result: Any, size: FloatArray) -> list[FoundBody]:
    return [
        FoundBody(
            _pixels(landmarks, size), np.clip([point.visibility or 0.0 for point in landmarks], 0.0, 1.0).astype(float)
        )
        for landmarks in result.pose_landmarks
    ]


def _hands(result: Any, size: FloatArray) -> list[FoundHand]:
    return [
        FoundHand(_pixels(landmarks, size), side[0].category_name.lower(), float(np.clip(side[0].score, 0.0, 1.0)))
        for landmarks, side in zip(result.hand_landmarks, result.handedness, strict=True)
    ]


def _pixels(landmarks: Any, size: FloatArray) -> FloatArray:
    """(K, 2) pixels, whole numbers at pixel centres, from landmarks in shares of the image's width and height."""
    return np.array([(point.x, point.y) for point in landmarks]) * size - 0.5


def _import_mediapipe() -> tuple[Any, Any]:
    try:
        import mediapipe
        from mediapipe.tasks import python as tasks
        from mediapipe.tasks.python import vision  # noqa: F401  (makes tasks.vision)
    except ImportError as error:
        raise InputError(
            "MediaPipe",
            expected="the package mediapipe",
            got=f"{error}",
            remedy="`pip install 'graspmimic[pose]'`, then `graspmimic setup pose`",
        ) from None
    return mediapipe, tasks
