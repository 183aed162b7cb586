"""How environments are pickled: as what they were made with, for a physics client cannot be."""

from __future__ import annotations

from typing import Any, TypeVar

from gymnasium.utils import EzPickle

Made = TypeVar("Made", bound="PickledByArguments")


class PickledByArguments(EzPickle):
    """Remembers the constructor's arguments, of whichever subclass, and the `spec` that `gymnasium.make` set.

    What comes back is a new environment: its next `reset(seed=...)` gives the same episode as the original's.
    """

    def __new__(cls: type[Made], *args: Any, **kwargs: Any) -> Made:
        """Note the arguments before any constructor sees them."""
        made = super().__new__(cls)
        EzPickle.__init__(made, *args, **kwargs)
        return made

    def __getstate__(self) -> dict[str, Any]:
        """Arguments and spec."""
        return super().__getstate__() | {"spec": getattr(self, "spec", None)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Make it anew."""
        super().__setstate__(state)
        self.spec = state["spec"]
