"""Planners by name, for the command line: the built-in ones, and anybody's as `module:attribute`."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from geometry import InputError


def make_planner(name: str) -> Callable[[Any], Any]:
    """The planner of a name.

    Args:
        name: "antipodal", "antipodal-uncorrected" (the same without the correction of the depth's scale,
            to measure what that brings), "topdown", "oracle", or "module:attribute" for a planner of one's
            own: a callable from an observation to ranked grasps, or a class that makes one without arguments.
    Raises:
        InputError: if there is no such planner.
    """
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
        expected="antipodal, antipodal-uncorrected, topdown, oracle, or module:attribute",
        got=repr(name),
        remedy="a planner of your own must be importable, for example my_package.my_module:plan",
    )


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
