"""Grasps tried in private worlds, in this process or in a pool of them that stays.

Every trial has a world of its own, so that its outcome depends on nothing but what is tried: not on
the order of the trials, nor on the number of processes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial

from envs.clutter import DIALECT_A, Dialect, Execution, try_grasp
from envs.worker_processes import WorkerPool
from geometry import FloatArray
from policies.imagination.private_world import ImaginedBody, PrivateWorld


@dataclass(frozen=True, kw_only=True)
class PrivateRules:
    """What the private worlds are like."""

    rules: Dialect = field(default_factory=lambda: replace(DIALECT_A, solver_iterations=50))
    """How a grasp is executed, and the physics; fewer solver iterations than the benchmark's own, for speed."""
    friction: float = 1.0
    """Lateral friction of everything imagined; as in the benchmark."""
    has_table: bool = True
    """Whether there is a table at z = 0."""


def try_grasps(
    bodies: Sequence[ImaginedBody], poses: Iterable[FloatArray], rules: PrivateRules, processes: int = 1
) -> list[Execution]:
    """Try each of the poses (N, 4, 4), `T_table_grasp`, on the same imagined scene.

    Args:
        bodies: what stands on the table.
        poses: the grasps.
        rules: physics and execution.
        processes: worker processes; they start with the first call and stay. 1 tries in this process.
    """
    one = partial(_try_one, tuple(bodies), rules)
    if processes == 1:
        return [one(pose) for pose in poses]
    tried = dict(_pool(processes).as_done(partial(one, pose) for pose in poses))
    return [tried[number] for number in range(len(tried))]


def _try_one(bodies: tuple[ImaginedBody, ...], rules: PrivateRules, pose: FloatArray) -> Execution:
    with PrivateWorld(bodies, rules.rules, rules.friction, has_table=rules.has_table) as private:
        return try_grasp(private, pose, rules.rules)[0]


@cache
def _pool(processes: int) -> WorkerPool:
    return WorkerPool(processes)
