"""Planners by name, for the command line: the built-in ones, and anybody's as `module:attribute`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

import perception
from geometry import InputError

if TYPE_CHECKING:
    from perception.grasping import Grasps, SceneView
    from perception.grasping.network.detector import GraspDetector
    from perception.grasping.network.targets import ApproachCone

NAMES = ("network", "antipodal", "antipodal-uncorrected", "topdown", "oracle")
"""The built-in planners."""
WEIGHTS = Path(perception.__file__).parent / "grasping" / "weights" / "grasp_network.safetensors"
"""The network's weights in the package; where they are missing, nothing uses the network unasked."""
DETECT_PLANNER = "network" if WEIGHTS.exists() else "antipodal"
"""What `graspmimic detect` plans with."""
_CHECKED = 400


@dataclass(frozen=True, kw_only=True)
class NetworkPlanner:
    """The learned detector as a planner that can be sent to other processes: each loads the weights itself."""

    weights: Path | None = None
    """NAME.safetensors; None takes those of the package."""
    min_probability: float = 0.0
    """Below this probability of success of its best grasp it finds nothing, and a robot looks from elsewhere; not
    where the view says that nothing more may be skipped (`skips_left`)."""
    give_up_below: float = 0.0
    """Below this probability it finds nothing, even where that ends the round; VGN and GIGA do so at a score of 0.9."""
    threads: int = 1
    """Threads of the network; on one, results do not depend on how many there are."""

    def __call__(self, view: SceneView) -> Grasps:
        """Plan grasps in the world, best first; when there is none, `note` says why."""
        return self.plan(view)

    def plan(
        self,
        view: SceneView,
        *,
        target: ArrayLike | None = None,
        cone: ApproachCone | None = None,
        everywhere: bool = False,
    ) -> Grasps:
        """Plan on a target and from within a cone; see `GraspDetector.detect`.

        Args:
            view: the look.
            target: what shall be grasped.
            cone: where hands may come from.
            everywhere: whether as many grasps are checked for room as it takes to give each object its own.
        """
        import torch

        torch.set_num_threads(self.threads)
        grasps = _detector(self.weights, everywhere).detect_view(view, target=target, cone=cone)
        least = self.min_probability if getattr(view, "skips_left", 1) > 0 else 0.0
        least = max(least, self.give_up_below)
        if len(grasps) and grasps.scores[0] < least:
            from perception.grasping import Grasps

            return Grasps(note=f"the best grasp succeeds with {grasps.scores[0]:.2f}, below {least:.2f}")
        return grasps


@cache
def _detector(weights: Path | None, everywhere: bool = False) -> GraspDetector:
    from perception.grasping.network.detector import GraspDetector
    from perception.grasping.network.verdict import Ranking

    return GraspDetector.from_pretrained(weights, ranking=Ranking(checked=_CHECKED) if everywhere else None)


def make_planner(
    name: str, *, weights: Path | None = None, min_probability: float = 0.0, give_up_below: float = 0.0
) -> Callable[[Any], Any]:
    """The planner of a name.

    Args:
        name: "network" (the learned detector), "antipodal", "antipodal-uncorrected" (the same without the
            correction of the depth's scale, to measure what that brings), "topdown", "oracle", or
            "module:attribute" for a planner of one's own: a callable from an observation to ranked grasps, or
            a class that makes one without arguments. "network+imagination" and "antipodal+imagination" try their
            best grasps in an imagined scene before they choose.
        weights: of the network, in place of the package's own.
        min_probability: of the network, below which it declines where it may.
        give_up_below: of the network, below which it finds nothing.
    Raises:
        InputError: if there is no such planner.
    """
    if name in ("network+imagination", "antipodal+imagination"):
        return _imagining(name, weights, min_probability)
    if name == "network":
        _detector(weights)  # a bad file is said at once, not in a worker process
        return NetworkPlanner(weights=weights, min_probability=min_probability, give_up_below=give_up_below)
    if weights is not None or min_probability or give_up_below:
        options = "--weights, --min-probability, --give-up-below"
        raise InputError(options, expected="--planner network", got=f"--planner {name}")
    if name == "oracle":
        from envs.clutter import OraclePlanner

        return OraclePlanner()
    if name in ("antipodal", "antipodal-uncorrected", "topdown"):
        from perception.grasping import AntipodalPlanner, TopDownPlanner

        return TopDownPlanner() if name == "topdown" else AntipodalPlanner(correct_scale=name == "antipodal")
    if ":" in name:
        return _import_planner(name)
    raise InputError(
        "--planner",
        expected=", ".join(NAMES) + ", network+imagination, antipodal+imagination, or module:attribute",
        got=repr(name),
        remedy="a planner of your own must be importable, for example my_package.my_module:plan",
    )


def _imagining(name: str, weights: Path | None, min_probability: float) -> Callable[[Any], Any]:
    """A planner with a second look; the network also says what it thinks of the hidden sides."""
    from policies.imagination import Imagination

    inner = name.removesuffix("+imagination")
    imagination = Imagination(completion="predicted", weights=weights) if inner == "network" else Imagination()
    return imagination(make_planner(inner, weights=weights, min_probability=min_probability))


def _import_planner(name: str) -> Callable[[Any], Any]:
    module, _, attribute = name.partition(":")
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError("--planner", expected=f"an importable {attribute!r} in {module!r}", got=str(error)) from None
    try:
        planner = found() if isinstance(found, type) else found
    except TypeError as error:
        expected = f"a class that makes a planner without arguments in {name}"
        raise InputError("--planner", expected=expected, got=str(error), remedy="name an instance instead") from None
    if not callable(planner):
        raise InputError("--planner", expected="a callable", got=f"{name} is a {type(planner).__name__}")
    return planner
