"""What the arm was last measured to do."""

from __future__ import annotations

from dataclasses import dataclass

from geometry import FloatArray


@dataclass(frozen=True)
class ArmState:
    """A measured state of the arm.

    Attributes:
        q: (n,) positions, rad.
        dq: (n,) speeds, rad/s.
        received_s: when it arrived, on the guard's own clock.
    """

    q: FloatArray
    dq: FloatArray
    received_s: float
