"""What a reaching hand tells: the phases of its reach, and how large the thing is that it reaches for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from geometry import FloatArray, InputError
from perception.behavior.reach_to_grasp.phases import PHASES, PhaseSettings, ReachPhases, find_phases
from perception.behavior.reach_to_grasp.reaching_arm import ReachingArm, reaching_arm
from perception.behavior.reach_to_grasp.size_features import size_features
from perception.behavior.reach_to_grasp.size_model import PARTS_OF_REACH, OwnScale, SizeGuess, SizeModel
from perception.behavior.reach_to_grasp.weights import load_model
from perception.pose import PersonTrack

PRETRAINED = Path(__file__).parent / "weights" / "reach_to_grasp.safetensors"


@dataclass(frozen=True, kw_only=True)
class ReachReading:
    """What was read from a track."""

    phases: ReachPhases
    """When what begins, seconds."""
    phase: str
    """The phase at the track's last frame, one of `PHASES`."""
    size: SizeGuess | None
    """What is known of the size by the last frame; None before a reach has begun."""


class ReachToGrasp:
    """Phases and size from a track in pixels; the person faces the camera, sees it look down at the table a little.

    ```
    reader = ReachToGrasp.from_pretrained()
    reading = reader.predict(track)              # afterwards, or while it happens with the track so far
    reading.phase, reading.size.size, reading.size.edge_m, reading.size.chances
    own = reader.own_scale(earlier_tracks)       # unlabelled reaches of the same user make it much surer
    reader.predict(track, own=own)
    ```
    """

    def __init__(self, model: SizeModel, bounds: PhaseSettings) -> None:
        """A reader with a learned model."""
        self.model, self.bounds = model, bounds

    @classmethod
    def from_pretrained(cls, path: str | Path | None = None) -> ReachToGrasp:
        """The shipped model, or one from a file."""
        return cls(*load_model(path or PRETRAINED))

    def predict(
        self,
        track: PersonTrack,
        *,
        side: str = "right",
        own: OwnScale | None = None,
        least_chance: float = 0.5,
        causal: bool = True,
    ) -> ReachReading:
        """Read the track's first reach.

        A reach that goes on is judged by the part of a usual reach's time that has passed; one that is over by the
        part named in `SizeGuess.part`, 1.

        Args:
            track: one person in pixels, with hands.
            side: the hand that reaches.
            own: the user's own scale.
            least_chance: no size is said whose chance is lower.
            causal: find phases with past frames alone.
        """
        if not 0.0 <= least_chance <= 1.0:
            raise InputError("ReachToGrasp", expected="least_chance from 0 to 1", got=f"{least_chance}")
        arm = reaching_arm(track, side)
        phases = find_phases(arm, self.bounds, causal=causal)
        last_s = float(arm.time_s[-1])
        phase = PHASES[int(phases.labels(np.array([last_s]))[0])]
        size = self.guess_size(arm, phases, own=own, least_chance=least_chance)
        return ReachReading(phases=phases, phase=phase, size=size)

    def guess_size(
        self, arm: ReachingArm, phases: ReachPhases, *, own: OwnScale | None = None, least_chance: float = 0.5
    ) -> SizeGuess | None:
        """The size by the arm's last moment or, if it is over, by the end of the reach; None before the onset."""
        last_s = float(arm.time_s[-1])
        if not phases.onset_s <= last_s or len(arm.time_s) < 2:
            return None
        over = bool(np.isfinite(phases.end_s))
        now_s = phases.end_s if over else last_s
        row = len(PARTS_OF_REACH) - 1 if over else self.model.part_of(now_s - phases.onset_s)
        return self.model.guess(size_features(arm, phases.onset_s, now_s), row, own, least_chance)

    def own_scale(self, tracks: Sequence[PersonTrack], *, side: str = "right") -> OwnScale:
        """How one user opens the hand, from recordings of whole reaches, unlabelled, to things of all sizes.

        Raises:
            InputError: if none of them holds a whole reach.
        """
        arms = [reaching_arm(track, side) for track in tracks]
        found = [(arm, find_phases(arm, self.bounds)) for arm in arms]
        whole = [(arm, phases) for arm, phases in found if np.isfinite(phases.end_s)]
        if not whole:
            raise InputError("ReachToGrasp.own_scale", expected="tracks with whole reaches", got=f"{len(arms)} without")
        return OwnScale.of(np.stack([_at_every_part(arm, phases) for arm, phases in whole], axis=1))


def _at_every_part(arm: ReachingArm, phases: ReachPhases) -> FloatArray:
    """(P, F) features of one reach at each part of it."""
    reach_s = phases.end_s - phases.onset_s
    return np.array([size_features(arm, phases.onset_s, phases.onset_s + part * reach_s) for part in PARTS_OF_REACH])
