"""One demonstration as it grows: a row at each moment, an episode at its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from geometry import FloatArray, InputError
from policies.demonstrations import Episode, SetInfo
from ros_nodes.demo_recorder.recorded_row import RecordedRow
from ros_nodes.demo_recorder.row_actions import ActionsFrom, RowActions, actions_of_motion, check_actions_from
from ros_nodes.demo_recorder.synchroniser import Sample


class Layout(Protocol):
    """How a sample becomes a row: `TaskLayout` or `RobotLayout`."""

    info: SetInfo
    sources: tuple[str, ...]

    @property
    def gripper(self) -> bool:
        """Whether actions tell the gripper."""

    def begin(self) -> None:
        """An episode begins."""

    def row(self, sample: Sample) -> RecordedRow:
        """One moment."""

    def hand_at(self, q: FloatArray) -> FloatArray:
        """(3,) the grasp point at joint positions."""


class EpisodeRecording:
    """Takes samples of one episode.

    Args:
        layout: of the rows.
        actions_from: what tells the actions: "topic" (a message with each action), "command" (joint trajectories), or
            "motion" (what the hand did).
        most_steps: an episode ends by itself after so many.

    Raises:
        InputError: if the actions cannot be had in this way.
    """

    def __init__(self, layout: Layout, actions_from: ActionsFrom, *, most_steps: int = 10_000) -> None:
        check_actions_from(actions_from, layout.info.action_names)
        self._layout, self._from, self._most = layout, actions_from, most_steps
        self._rows: list[RecordedRow] = []
        self._told: list[Any] = []
        self.ended = ""
        """Why it ended by itself; empty while it goes on."""
        layout.begin()

    @property
    def steps(self) -> int:
        """Actions so far."""
        return max(len(self._rows) - 1, 0)

    def take(self, sample: Sample) -> None:
        """Add a moment; one at which a source is missing ends the episode before it."""
        if self.ended:
            return
        if sample.missing:
            self.ended = "; ".join(sample.missing)
            return
        try:
            row = self._layout.row(sample)
        except InputError as error:
            self.ended = str(error)
            return
        self._rows.append(row)
        self._told.append(sample.values.get("action" if self._from == "topic" else "command"))
        if self.steps >= self._most:
            self.ended = f"{self._most} steps, the most that an episode may have"

    def episode(self, *, success: bool | None, task: str, provenance: Mapping[str, Any]) -> Episode | None:
        """What was recorded; None if there is no step.

        Args:
            success: as a person says; None takes what the last row tells, and no where it tells nothing.
            task: what was to be done, in words.
            provenance: where it comes from.
        """
        if not self.steps:
            return None
        made = self._actions()
        rows = self._rows
        done = [bool(row.done) for row in rows[1:]]
        rewards = np.array(done, dtype=np.float32) - np.float32(1.0)
        keys = rows[0].observation
        return Episode(
            observations={key: np.stack([row.observation[key] for row in rows]) for key in keys},
            actions=made.actions,
            rewards=rewards,
            success=done[-1] if success is None else success,
            task=task,
            provenance={
                **provenance,
                "began_s": rows[0].time_s,
                "ended": self.ended or "stopped",
                "actions_from": self._from,
                "clipped_actions": round(made.clipped, 4),
            },
        )

    def _actions(self) -> RowActions:
        """An action is told of the moment at which it was chosen, a command in the step that follows."""
        if self._from == "topic":
            return RowActions(np.array(self._told[:-1], dtype=np.float32), 0.0)
        targets: list[FloatArray | None] = []
        if self._from == "command":
            pairs = zip(self._rows, self._told[1:], strict=False)
            targets = [None if told is None or told[0] <= row.time_s else told[1] for row, told in pairs]
        return actions_of_motion(
            self._rows, gripper=self._layout.gripper, targets=targets, hand_at=self._layout.hand_at
        )
