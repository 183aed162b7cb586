"""Keypoints of bodies and hands in images, by MediaPipe (extra [pose])."""

from __future__ import annotations

from collections.abc import Iterator

from geometry import InputError
from perception.pose.images.landmarks.hand_assignment import persons_with_hands
from perception.pose.images.landmarks.landmark_models import LandmarkModels, find_landmark_models
from perception.pose.images.landmarks.mediapipe_tasks import LandmarkTasks
from perception.pose.images.sources import ImageFrame, ImageSource
from perception.pose.pose_frame import PoseFrame
from perception.pose.skeletons import MEDIAPIPE33, Skeleton


class MediaPipePose:
    """A `KeypointSource`: persons of 33 joints in pixels, with their hands of 21 points, in every image of a source.

    Scores of joints are MediaPipe's visibility. A joint out of the image keeps the network's guess, with the low
    visibility that it gets. Points of a hand have the score of the hand's side, since MediaPipe tells no other. Its
    depths are left out: they are no measurement (`perception.pose.lift_frame` makes metres from a depth image).
    Images must not be mirrored, or left and right change places.

    Args:
        source: images; in a film the landmarkers follow what they found in the image before.
        body: whether bodies are looked for.
        hands: whether hands are looked for.
        models: the landmark models; None: those of `graspmimic setup pose`.
        max_persons: persons at most. With 1, two hands without a body are one person's.
        min_score: what MediaPipe is less sure of is dropped, 0 to 1.

    Raises:
        InputError: if mediapipe is not installed, the models are not prepared, or nothing is to be looked for.
    """

    def __init__(
        self,
        source: ImageSource,
        *,
        body: bool = True,
        hands: bool = True,
        models: LandmarkModels | None = None,
        max_persons: int = 1,
        min_score: float = 0.5,
    ) -> None:
        if not (body or hands) or max_persons < 1 or not 0.0 <= min_score <= 1.0:
            raise InputError(
                "MediaPipePose",
                expected="body or hands, max_persons of 1 or more, min_score between 0 and 1",
                got=f"body={body}, hands={hands}, max_persons={max_persons}, min_score={min_score}",
            )
        self.source, self._body, self._hands = source, body, hands
        self._models = find_landmark_models() if models is None else models
        self._max_persons, self._min_score = max_persons, min_score
        self._opened: LandmarkTasks | None = self._tasks()  # fails now rather than at the first image

    @property
    def skeleton(self) -> Skeleton:
        """Rows of every person's keypoints."""
        return MEDIAPIPE33

    @property
    def rate_hz(self) -> float | None:
        """Frames a second where it is known beforehand."""
        return self.source.rate_hz

    def __iter__(self) -> Iterator[PoseFrame]:
        """Frames in order of time, each with its image."""
        opened, self._opened = self._opened, None
        with opened or self._tasks() as tasks:
            for image in self.source:
                yield self._frame(tasks, image)

    def close(self) -> None:
        """Close the images, and free the networks."""
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()
        self.source.close()

    def _tasks(self) -> LandmarkTasks:
        return LandmarkTasks(
            self._models,
            body=self._body,
            hands=self._hands,
            max_persons=self._max_persons,
            follow=self.source.continuous,
            min_score=self._min_score,
        )

    def _frame(self, tasks: LandmarkTasks, image: ImageFrame) -> PoseFrame:
        bodies, hands = tasks.find(image.rgb, image.time_s)
        height, width = image.rgb.shape[:2]
        persons = persons_with_hands(bodies, hands, size_px=(width, height), alone=self._max_persons == 1)
        return PoseFrame(
            time_s=image.time_s, skeleton=MEDIAPIPE33, persons=persons, camera=self.source.camera, rgb=image.rgb
        )
