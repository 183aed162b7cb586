"""Demonstrations before a virtual camera, and as frames that keypoint sources give."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from envs.demonstrator import Demonstration, demonstrate_scene, noisy
from envs.demonstrator.filming import DemonstrationFilm, FilmShot, contact_sheet, write_film
from envs.demonstrator.filming.film import FILM_CAMERA
from envs.workbench import TASKS
from geometry import InputError, invert, transform_points
from perception.pose.images.sources import RGBDFolder
from perception.pose.recordings import read_recording, save_recording
from policies.programs.filmed_frames import DetectorJitter, filmed_frames, keypoint_errors_m
from policies.programs.shown_frames import shown_frames

CAMERA = FILM_CAMERA.scaled(0.5)


@pytest.fixture(scope="module")
def shown() -> Demonstration:
    rng = np.random.default_rng(1_000_012)
    return demonstrate_scene(TASKS["place_on"].draw(rng), rng)


@pytest.fixture(scope="module")
def shots(shown: Demonstration) -> list[FilmShot]:
    film = DemonstrationFilm(shown, np.random.default_rng(0), camera=CAMERA, color=False)
    return list(film.shots([0, 45, 100]))


def test_pixels_are_where_the_pinhole_formula_puts_the_points(shown: Demonstration, shots: list[FilmShot]) -> None:
    film = DemonstrationFilm(shown, np.random.default_rng(0), camera=CAMERA)
    for shot in shots:
        x, y, z = transform_points(invert(film.T_world_camera), shown.hand_m[shot.row]).T
        expected = np.stack([CAMERA.fx * x / z + CAMERA.cx, CAMERA.fy * y / z + CAMERA.cy], axis=-1)
        np.testing.assert_allclose(shot.points_px[0][18:], expected, atol=1e-9)


def test_what_is_seen_has_its_own_surface_in_front_of_it(shown: Demonstration, shots: list[FilmShot]) -> None:
    film = DemonstrationFilm(shown, np.random.default_rng(0), camera=CAMERA)
    for shot in shots:
        seen = shot.seen[0][18:]
        assert 5 <= seen.sum() < 21  # a hand hides some of itself
        depth = transform_points(invert(film.T_world_camera), shown.hand_m[shot.row])[:, 2]
        columns, rows = np.round(shot.points_px[0][18:]).astype(int).T
        fingers = seen & (np.arange(21) > 0)
        beneath = depth[fingers] - shot.depth_m[rows[fingers], columns[fingers]]
        assert np.median(beneath) == pytest.approx(0.008, abs=0.005)  # half a finger beneath the skin


def test_a_film_is_a_folder_that_perception_reads(shown: Demonstration, tmp_path: Path) -> None:
    film = DemonstrationFilm(shown, np.random.default_rng(0), camera=FILM_CAMERA.scaled(0.25), every=180)
    write_film(tmp_path / "film", film)
    frames = list(RGBDFolder(tmp_path / "film"))
    assert len(frames) == len(film.rows) == 1 + (len(shown.time_s) - 1) // 180
    for frame, shot in zip(frames, film, strict=True):
        assert shot.rgb is not None and frame.depth_m is not None
        np.testing.assert_array_equal(frame.rgb, shot.rgb)
        np.testing.assert_allclose(frame.depth_m, shot.depth_m, atol=0.0006)
    with pytest.raises(InputError, match="does not exist yet"):
        write_film(tmp_path / "film", film)


def test_keypoints_lifted_by_exact_depth_are_on_the_skin(shown: Demonstration) -> None:
    film = DemonstrationFilm(shown, np.random.default_rng(0), color=False, every=60)
    frames = filmed_frames(film, np.random.default_rng(0), jitter=DetectorJitter(sigma_px=0.0))
    errors = keypoint_errors_m(frames, shown.hand_m[::60])
    assert np.isfinite(errors).mean() > 0.4
    assert 0.005 < np.nanmedian(errors) < 0.015
    assert all(frame.reference == "world" for frame in frames)


def test_frames_hold_what_was_measured_and_survive_a_file(shown: Demonstration, tmp_path: Path) -> None:
    recording = noisy(shown, 0.01, np.random.default_rng(0))
    frames = shown_frames(recording)
    save_recording(tmp_path / "shown.npz", frames)
    read = list(read_recording(tmp_path / "shown.npz"))
    assert len(read) == len(frames) == len(shown.time_s)
    for row in (0, 50, len(frames) - 1):
        for frame in (frames[row], read[row]):
            hand = frame.persons[0].right_hand
            if recording.persons[0].hand_scores[row].any():
                assert hand is not None and hand.keypoints_m is not None
                np.testing.assert_array_equal(hand.keypoints_m, recording.persons[0].hand_m[row])
            things = {thing.name: thing for thing in frame.objects}
            for number, thing in enumerate(shown.things):
                pose, size = things[thing.name].T_reference_object, things[thing.name].size_m
                assert pose is not None and size is not None and things[thing.name].category == thing.category
                np.testing.assert_array_equal(pose, recording.T_world_things[row, number])
                np.testing.assert_array_equal(size, thing.size_m)


def test_a_contact_sheet_has_a_row_for_each(shown: Demonstration) -> None:
    sheet = contact_sheet({"one": shown}, columns=4, width_px=64)
    assert sheet.dtype == np.uint8 and sheet.shape[1] == 4 * 64 + 3 * 4
    assert sheet[22:70, :64].std() > 10.0
