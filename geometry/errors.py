"""The one error that bad input raises: what was expected, what came, what to do."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial


class InputError(ValueError):
    """Input that a caller or a file got wrong, said in one line.

    The command line prints the line and leaves with status 2; every other exception is a
    defect of ours and keeps its traceback. What may fail in normal life (no grasp found, no
    IK solution) is a result value and never this.

    Args:
        where: the function, command or file that met the input.
        expected: what it needs, with the argument's name, shape and unit.
        got: what came instead.
        remedy: what the person can do about it; empty where it is obvious.
    """

    def __init__(self, where: str, *, expected: str, got: str, remedy: str = "") -> None:
        line = f"{where}: expected {expected}, got {got}"
        super().__init__(f"{line}; {remedy}" if remedy else line)
        self._again = partial(InputError, where, expected=expected, got=got, remedy=remedy)

    def __reduce__(self) -> tuple[Callable[[], InputError], tuple[()]]:
        """Pickle by arguments, so that the error comes back from a worker process."""
        return self._again, ()
