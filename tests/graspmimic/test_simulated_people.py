"""Simulated people as keypoint sources: what the simulator knows arrives unchanged."""

from __future__ import annotations

import numpy as np
import pytest

from envs.humanoid import Act, DetectorErrors, crowd, perform
from geometry import InputError, PinholeCamera, look_at
from graspmimic.simulated_people import CrowdPeople, FilmedPeople
from perception.pose import KeypointSource

CAMERA = PinholeCamera(width=320, height=240, fx=280.0, fy=280.0, cx=159.5, cy=119.5)
WALK = perform([Act(clip="walk", duration_s=0.2)]).motion
T_WORLD_CAMERA = look_at((3.0, 0.5, 1.2), (0.2, 0.0, 0.85))


def test_detections_of_a_crowd_become_frames_as_they_are() -> None:
    scene = crowd(3, np.random.default_rng(101), duration_s=0.5)
    source: KeypointSource = CrowdPeople(scene)
    assert source.rate_hz == pytest.approx(30.0)
    frames = list(source)
    assert [frame.time_s for frame in frames] == pytest.approx(scene.time_s)
    for frame, pixels, scores in zip(frames, scene.keypoints_px, scene.scores, strict=True):
        assert len(frame.persons) == len(pixels)
        for person, points, score in zip(frame.persons, pixels, scores, strict=True):
            np.testing.assert_array_equal(person.keypoints_px, points)
            np.testing.assert_array_equal(person.scores, score)


def test_without_errors_pixels_and_metres_are_the_truth() -> None:
    source: KeypointSource = FilmedPeople((WALK,), CAMERA, T_WORLD_CAMERA, images=False)
    frames = list(source)
    assert len(frames) == len(WALK) and source.rate_hz == pytest.approx(30.0)
    for frame, truth in zip(frames, WALK.keypoints_m(), strict=True):
        (person,) = frame.persons
        assert frame.reference == "camera" and person.id == -1 and frame.rgb is None
        assert person.keypoints_m is not None and person.keypoints_px is not None
        world = person.keypoints_m @ T_WORLD_CAMERA[:3, :3].T + T_WORLD_CAMERA[:3, 3]
        assert world == pytest.approx(truth)
        assert CAMERA.project(person.keypoints_m) == pytest.approx(person.keypoints_px)


def test_every_iteration_plays_the_same_with_its_images() -> None:
    source = FilmedPeople((WALK,), CAMERA, T_WORLD_CAMERA, errors=DetectorErrors(), noise_m=0.01, seed=3)
    once, again = list(source), list(source)
    for a, b in zip(once, again, strict=True):
        assert a.rgb is not None and a.rgb.shape == (240, 320, 3)
        np.testing.assert_array_equal(a.rgb, b.rgb)
        for one, other in zip(a.persons, b.persons, strict=True):
            np.testing.assert_array_equal(one.keypoints_m, other.keypoints_m)
            np.testing.assert_array_equal(one.keypoints_px, other.keypoints_px)


def test_nobody_to_film_is_told() -> None:
    with pytest.raises(InputError, match="FilmedPeople"):
        FilmedPeople((), CAMERA, T_WORLD_CAMERA)
    with pytest.raises(InputError, match="T_world_camera"):
        FilmedPeople((WALK,), CAMERA, np.eye(3))
