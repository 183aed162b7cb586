"""The imitation policies that come with graspmimic."""

from __future__ import annotations

from pathlib import Path

from geometry import InputError

_WEIGHTS = Path(__file__).with_name("weights")


def shipped_imitation(task: str) -> Path:
    """The file of a task's shipped policy.

    Raises:
        InputError: if none is shipped for it.
    """
    path = _WEIGHTS / f"{task.lower()}.safetensors"
    if not path.is_file():
        shipped = ", ".join(sorted(each.stem for each in _WEIGHTS.glob("*.safetensors")))
        raise InputError(
            "--task",
            expected=f"a task with a shipped policy: {shipped or 'none yet'}",
            got=task,
            remedy="train one (graspmimic train imitation) and name its file with --policy",
        )
    return path
