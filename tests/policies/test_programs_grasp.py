"""How things were held, against the truth of the simulated person."""

from __future__ import annotations

import numpy as np
import pytest

from envs.demonstrator import demonstrate_scene, noisy
from envs.workbench import TASKS
from geometry import FloatArray
from policies.programs import Grasp, program_from_recording
from policies.programs.match_study import TUNING_SEED
from policies.programs.shown_frames import shown_frames


def errors(task: str, noise_m: float, seeds: int) -> FloatArray:
    """(G, 5) of every grasp: off along and across the closing axis, m; approach and closing, rad; width, m."""
    found = []
    for seed in range(TUNING_SEED, TUNING_SEED + seeds):
        rng = np.random.default_rng(seed)
        demonstration = demonstrate_scene(TASKS[task].draw(rng), rng)
        program = program_from_recording(shown_frames(noisy(demonstration, noise_m, rng))).program
        assert program is not None
        grasps = [step for step in program.steps if isinstance(step, Grasp)]
        for grasp, truth in zip(grasps, demonstration.grasps, strict=True):
            T = truth.T_thing_grasp
            off = np.array(grasp.at_m) - T[:3, 3]
            along = float(off @ T[:3, 1])
            cosines = np.clip([np.dot(grasp.approach, T[:3, 2]), abs(np.dot(grasp.closing, T[:3, 1]))], -1.0, 1.0)
            across = float(np.linalg.norm(off - along * T[:3, 1]))
            found.append([abs(along), across, *np.arccos(cosines), abs(grasp.width_m - truth.width_m)])
    return np.array(found)


@pytest.mark.parametrize(("task", "noise_m"), [("sort_by_size", 0.0), ("pour", 0.0)])
def test_an_exact_recording_gives_the_grasp_as_it_was(task: str, noise_m: float) -> None:
    worst = errors(task, noise_m, 3).max(axis=0)
    assert worst[0] < 0.001 and worst[1] < 0.002 and worst[4] < 0.001
    assert (np.degrees(worst[2:4]) < (4.0, 2.0)).all()


def test_at_two_centimetres_the_fingers_still_lie_on_the_faces() -> None:
    """The offset of the whole hand is 15 mm here; along the closing axis it is found and taken away."""
    off = errors("sort_by_size", 0.02, 6)
    assert off[:, 0].max() < 0.0005 and off[:, 4].max() < 0.002
    assert np.degrees(off[:, 3]).max() < 3.0 and np.degrees(off[:, 2]).max() < 15.0
    assert off[:, 1].mean() < 0.015  # across it, nothing but the thing's own outline tells
