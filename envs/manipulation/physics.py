"""How finely the world of a task is simulated."""

from __future__ import annotations

from dataclasses import dataclass

from geometry import InputError


@dataclass(frozen=True, kw_only=True)
class Physics:
    """Time step and solver effort; the product of the first two is the control period (25 Hz by default).

    The default costs about a quarter of the fine settings' time (1/500 s, 50 iterations); `bench envs` states what
    that does to the hand's path and to scripted grasps.
    """

    timestep_s: float = 1.0 / 200.0
    """Length of one simulation step."""
    substeps: int = 8
    """Simulation steps for one step of the environment."""
    solver_iterations: int = 10
    """Constraint solver iterations a simulation step."""

    def __post_init__(self) -> None:
        if not 0.0 < self.timestep_s <= 0.02 or self.substeps < 1 or self.solver_iterations < 1:
            raise InputError(
                "Physics", expected="0 < timestep_s <= 0.02, substeps >= 1, solver_iterations >= 1", got=f"{self}"
            )

    @property
    def control_period_s(self) -> float:
        """Simulated time of one step of the environment."""
        return self.timestep_s * self.substeps


FINE = Physics(timestep_s=1.0 / 500.0, substeps=20, solver_iterations=50)
"""panda-gym's settings: the reference that the default is measured against."""
