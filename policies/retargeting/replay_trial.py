"""One trial of retargeting: somebody carries a cube once, and the gripper does the same in another scene.

All keypoints are synthetic: those of a simulated person, with a stated mean error.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import gymnasium
import numpy as np

from envs.demonstrator import Demonstration, DemonstrationRecording, demonstrate, noisy
from envs.workbench import Pick, Put, Thing
from geometry import FloatArray, transform
from perception.pose.skeletons import HAND21
from policies.demonstrations import play_episode
from policies.programs.shown_frames import shown_frames
from policies.retargeting.gripper_motion import retarget
from policies.retargeting.replay import MoveReplay
from policies.retargeting.shown_move import Contact, ShownMove, shown_moves

_CUBE = Thing(name="cube", category="cube", size_m=(0.04, 0.04, 0.04))
_TIPS = [HAND21.index("thumb_tip"), HAND21.index("index_tip")]
_REGION_M = ((0.35, -0.20), (0.60, 0.20))
"""Where on the bench the cube is shown, and where it is put; x and y."""


class MotionErrors(NamedTuple):
    """How far a retargeted hand is from the true grasp frame, while the thing is held."""

    place_m: float
    """Mean distance of the origins."""
    turn_rad: float
    """Mean angle between the frames."""
    width_m: float
    """Mean absolute error of the gap between the jaws."""
    jerk: float
    """Root mean square of the third derivative of the retargeted place, m/s^3, over the whole recording."""
    true_jerk: float
    """The same of the true fingertips' middle."""


class ReplayOutcome(NamedTuple):
    """What became of a trial."""

    shown: bool
    """Whether a move was found in the recording."""
    success: bool
    """Whether the cube is at its goal when the episode's time is over."""
    held: bool
    """Whether the gripper holds it then."""
    distance_m: float
    """From the cube to its goal then."""
    errors: MotionErrors
    """Of the hand's motion."""


def shown_carry(seed: int, noise_m: float) -> tuple[Demonstration, DemonstrationRecording]:
    """Somebody takes a cube of 4 cm and puts it down elsewhere on the bench: the truth, and how it was measured.

    Args:
        seed: of the person and the scene, whatever the error is.
        noise_m: mean error of the keypoints; 0 measures everything exactly.
    """
    rng = np.random.default_rng([seed, 0])
    places = rng.uniform(*_REGION_M, size=(2, 2))
    layout = {"cube": transform(translation=(*places[0], 0.5 * _CUBE.size_m[2]))}
    put = Put(object="cube", to="table", relation="at", offset_m=(float(places[1, 0]), float(places[1, 1])))
    shown = demonstrate([_CUBE], layout, [Pick(object="cube"), put], rng)
    return shown, noisy(shown, noise_m, np.random.default_rng([seed, 1]))


def motion_errors(shown: Demonstration, recording: DemonstrationRecording) -> MotionErrors:
    """Errors of the first person's hand, retargeted by itself, without a look at the thing.

    Args:
        shown: with one thing that is grasped once.
        recording: of it.
    """
    motion = retarget(recording.time_s, recording.persons[0].hand_m)
    grasp = shown.grasps[0]
    held = (shown.time_s >= grasp.start_s) & (shown.time_s <= grasp.end_s)
    T_true = shown.T_world_things[held, 0] @ grasp.T_thing_grasp
    T_found = motion.T_world_grasp[held]
    cosines = 0.5 * (np.einsum("tij,tij->t", T_true[:, :3, :3], T_found[:, :3, :3]) - 1.0)
    tips = shown.hand_m[:, _TIPS].mean(axis=1)
    return MotionErrors(
        place_m=float(np.linalg.norm((T_found - T_true)[:, :3, 3], axis=1).mean()),
        turn_rad=float(np.arccos(np.clip(cosines, -1.0, 1.0)).mean()),
        width_m=float(np.abs(motion.width_m[held] - grasp.width_m).mean()),
        jerk=_jerk(shown.time_s, motion.T_world_grasp[:, :3, 3]),
        true_jerk=_jerk(shown.time_s, tips),
    )


def replay_trial(env: gymnasium.Env[Any, Any], seed: int, noise_m: float, contact: Contact) -> ReplayOutcome:
    """Show a carry once and do it once, in a scene that has nothing to do with the shown one.

    Args:
        env: of PickPlace, with its time limit.
        seed: of the person, the shown scene, and the new one.
        noise_m: mean error of the keypoints.
        contact: what tells the grasp.
    """
    shown, recording = shown_carry(seed, noise_m)
    moves = shown_moves(shown_frames(recording), contact=contact)
    success = _replayed(env, moves, seed)
    scene = env.unwrapped.scene  # type: ignore[attr-defined]
    goal = env.unwrapped.task.goal  # type: ignore[attr-defined]
    return ReplayOutcome(
        shown=bool(moves),
        success=success,
        held=bool(scene.held(scene.props[0])),
        distance_m=float(np.linalg.norm(np.array(scene.props[0].state.position) - goal)),
        errors=motion_errors(shown, recording),
    )


def _replayed(env: gymnasium.Env[Any, Any], moves: list[ShownMove], seed: int) -> bool:
    if not moves:
        env.reset(seed=seed)
        return False
    return play_episode(env, MoveReplay(moves), seed=seed, rng=np.random.default_rng([seed, 2])).success


def _jerk(time_s: FloatArray, place_m: FloatArray) -> float:
    third = np.diff(place_m, n=3, axis=0) / float(np.median(np.diff(time_s))) ** 3
    return float(np.sqrt((third**2).sum(axis=1).mean()))
