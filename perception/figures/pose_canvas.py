"""People drawn over the image that they were seen in, or on an empty ground where there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
from matplotlib import font_manager
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from geometry import FloatArray, InputError, PinholeCamera, invert, look_at, transform_points
from perception.pose import Person, PoseFrame
from perception.pose.skeletons import HAND21

PERSON_COLORS = ((0, 158, 115), (230, 159, 0), (86, 180, 233), (204, 121, 167), (213, 94, 0), (0, 114, 178))
"""Colours that colour-blind eyes tell apart (Okabe and Ito), for persons in turn."""

_GROUND, _INK, _OBJECT = (246, 247, 249), (35, 38, 44), (240, 228, 66)
_FINE = 2
"""Lines are drawn this many times larger, then averaged down."""
_LEAST_SCORE = 0.3
_HEAD = 0.06
"""How far a head reaches beyond its topmost point, in diagonals of the person's box."""


class PoseCanvas:
    """Draws frames of one source, all in the same view.

    Pixels are drawn where they are. A source of metres alone is seen by a camera that stands back far enough to
    show everything in the frames that are given here.

    Args:
        frames: some or all of the frames that will be drawn; at least one.
        size_px: width and height of pictures of frames that have neither image nor camera.
    """

    def __init__(self, frames: Sequence[PoseFrame], *, size_px: tuple[int, int] = (960, 720)) -> None:
        if not frames:
            raise InputError("PoseCanvas", expected="at least one frame", got="none")
        first = frames[0]
        self._camera: PinholeCamera | None = None
        self._T_camera_reference = np.eye(4)
        self._offset, self._scale = np.zeros(2), 1.0
        if first.rgb is not None:
            self.size_px = (first.rgb.shape[1], first.rgb.shape[0])
            self._camera = first.camera if first.reference == "camera" else None
        elif first.camera is not None and first.reference == "camera":
            self.size_px, self._camera = (first.camera.width, first.camera.height), first.camera
        else:
            self.size_px = size_px
            self._fit(frames)

    def draw(self, frame: PoseFrame, captions: Mapping[int, Sequence[str]] | None = None) -> NDArray[np.uint8]:
        """One picture.

        Args:
            frame: what to draw.
            captions: lines of text by person id, drawn beside the person.

        Returns:
            (H, W, 3) uint8.
        """
        width, height = self.size_px
        ground = Image.new("RGB", self.size_px, _GROUND) if frame.rgb is None else Image.fromarray(frame.rgb)
        large = ground.resize((width * _FINE, height * _FINE), Image.Resampling.BILINEAR)
        pen = ImageDraw.Draw(large)
        for box in (seen.box_px for seen in frame.objects if seen.box_px is not None):
            pen.rectangle(tuple(float(edge) for edge in box * _FINE), outline=_OBJECT, width=2 * _FINE)
        for seen in frame.objects:
            self._mark(pen, seen.name, seen.T_reference_object)
        for number, person in enumerate(frame.persons):
            self._person(pen, frame, person, PERSON_COLORS[max(person.id, number) % len(PERSON_COLORS)])
        picture = large.resize(self.size_px, Image.Resampling.LANCZOS)
        self._write(picture, frame, captions or {})
        return np.asarray(picture)

    def _person(self, pen: ImageDraw.ImageDraw, frame: PoseFrame, person: Person, color: tuple[int, int, int]) -> None:
        line = max(2, round(min(self.size_px) / 150)) * _FINE
        body = self._pixels(person.keypoints_px, person.keypoints_m, person.scores)
        _bones(pen, body * _FINE, frame.skeleton.bone_rows, color, line)
        for hand in (person.left_hand, person.right_hand):
            if hand is not None:
                points = self._pixels(hand.keypoints_px, hand.keypoints_m, hand.scores)
                _bones(pen, points * _FINE, HAND21.bone_rows, color, max(line // 2, _FINE))

    def _mark(self, pen: ImageDraw.ImageDraw, name: str, pose: FloatArray | None) -> None:
        if pose is None:
            return
        at = self._pixels(None, np.asarray(pose)[None, :3, 3], np.ones(1))[0] * _FINE
        if np.isfinite(at).all():
            size = min(self.size_px) / 60 * _FINE
            corners = [(at[0], at[1] - size), (at[0] + size, at[1]), (at[0], at[1] + size), (at[0] - size, at[1])]
            pen.polygon([(float(u), float(v)) for u, v in corners], fill=_OBJECT, outline=_INK)
            pen.text(
                (float(at[0] + 1.4 * size), float(at[1])), name, fill=_INK, font=_font(26 * _FINE // 2), anchor="lm"
            )

    def _write(self, picture: Image.Image, frame: PoseFrame, captions: Mapping[int, Sequence[str]]) -> None:
        pen = ImageDraw.Draw(picture, "RGBA")
        font = _font(max(13, round(min(self.size_px) / 34)))
        for number, person in enumerate(frame.persons):
            lines = captions.get(person.id, ())
            points = self._all_points(person)
            if not lines or not len(points):
                continue
            text = "\n".join(lines)
            left, top, right, bottom = pen.multiline_textbbox((0, 0), text, font=font)
            rise = 14.0 + _HEAD * np.linalg.norm(np.ptp(points, axis=0))
            at = points[np.argmin(points[:, 1])] - (0.5 * (right - left), bottom - top + rise)
            at = np.clip(at, 4, np.maximum(np.array(self.size_px) - (right - left + 8, bottom - top + 8), 4))
            u, v = float(at[0]), float(at[1])
            color = PERSON_COLORS[max(person.id, number) % len(PERSON_COLORS)]
            box = (u + left - 5, v + top - 4, u + right + 5, v + bottom + 4)
            pen.rounded_rectangle(box, radius=5, fill=(255, 255, 255, 215), outline=color, width=2)
            pen.multiline_text((u, v), text, fill=_INK, font=font)

    def _all_points(self, person: Person) -> FloatArray:
        parts = [self._pixels(person.keypoints_px, person.keypoints_m, person.scores)]
        hands = (hand for hand in (person.left_hand, person.right_hand) if hand is not None)
        parts += [self._pixels(hand.keypoints_px, hand.keypoints_m, hand.scores) for hand in hands]
        points = np.concatenate(parts)
        return points[np.isfinite(points).all(-1)]

    def _pixels(self, pixels: FloatArray | None, metres: FloatArray | None, scores: FloatArray) -> FloatArray:
        """(K, 2) where points fall in the picture; NaN where they are unseen or behind the camera."""
        if pixels is not None:
            points = (np.asarray(pixels, dtype=float) - self._offset) * self._scale
        elif metres is not None and self._camera is not None:
            ahead = transform_points(self._T_camera_reference, np.asarray(metres, dtype=float))
            points = self._camera.project(np.where(ahead[:, 2:] > 1e-3, ahead, np.nan))
        else:
            points = np.full((len(scores), 2), np.nan)
        return np.where(np.asarray(scores)[:, None] >= _LEAST_SCORE, points, np.nan)

    def _fit(self, frames: Sequence[PoseFrame]) -> None:
        people = [person for frame in frames for person in frame.persons]
        width, height = self.size_px
        if any(person.keypoints_px is not None for person in people):
            parts = [person.keypoints_px for person in people if person.keypoints_px is not None]
            hands = [hand for person in people for hand in (person.left_hand, person.right_hand) if hand is not None]
            parts += [hand.keypoints_px for hand in hands if hand.keypoints_px is not None]
            low, high = _extent(np.concatenate(parts))
            self._scale = float(min(np.array(self.size_px) / np.maximum(high - low, 1e-6)) * 0.84)
            self._offset = 0.5 * (low + high) - 0.5 * np.array(self.size_px) / self._scale
            return
        low, high = _extent(
            np.concatenate([np.zeros((0, 3)), *(p.keypoints_m for p in people if p.keypoints_m is not None)])
        )
        centre, reach = 0.5 * (low + high), max(float(np.linalg.norm(high - low)), 0.3)
        focal = 1.2 * height
        self._camera = PinholeCamera(width=width, height=height, fx=focal, fy=focal, cx=width / 2, cy=height / 2)
        if frames[0].reference == "camera":
            self._T_camera_reference[:3, 3] = (*-centre[:2], 1.2 * reach - centre[2])
        else:
            eye = centre + 1.3 * reach * np.array([0.55, -0.78, 0.3])
            self._T_camera_reference = invert(look_at(eye, centre))


def _extent(points: FloatArray) -> tuple[FloatArray, FloatArray]:
    seen = points[np.isfinite(points).all(-1)]
    if not len(seen):
        return np.zeros(points.shape[-1]), np.ones(points.shape[-1])
    return seen.min(0), seen.max(0)


def _bones(
    pen: ImageDraw.ImageDraw,
    points: FloatArray,
    bones: Sequence[tuple[int, int]],
    color: tuple[int, int, int],
    line: int,
) -> None:
    seen: NDArray[np.bool_] = np.asarray(np.isfinite(points).all(-1))
    for parent, child in bones:
        if seen[parent] and seen[child]:
            ends = [(float(points[row, 0]), float(points[row, 1])) for row in (parent, child)]
            pen.line(ends, fill=_INK, width=line + _FINE)
            pen.line(ends, fill=color, width=line)
    for u, v in points[seen]:
        radius = 0.75 * line
        pen.ellipse((u - radius, v - radius, u + radius, v + radius), fill=color, outline=_INK)


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont:
    """Matplotlib's own DejaVu, so that text looks the same everywhere."""
    return ImageFont.truetype(font_manager.findfont("DejaVu Sans"), size)
