"""The clutter-removal benchmark's two dialects, as data.

The benchmark of Breyer et al. ("Volumetric Grasping Network", CoRL 2020) is in print in several
dialects that must not be mixed. A is that of VGN, GIGA and EquiVG: one fixed side view with
"dex" depth noise, and a round that ends when the planner finds nothing. B is that of Edge Grasp
Network, ICGNet and OrbitGrasp: a random view each time, coarser physics, and a planner that may
decline three times a round.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from envs.free_hand import HandDynamics
from envs.scenes import Workspace
from geometry import InputError, PinholeCamera


@dataclass(frozen=True, kw_only=True)
class View:
    """Where the camera stands: on a sphere around a point above the middle of the table, angles in degrees."""

    target_height_m: float
    """Height of the point looked at, in the world."""
    radius_m: tuple[float, float]
    """Range of the distance to that point."""
    polar_deg: tuple[float, float]
    """Range of the angle from the vertical."""
    azimuth_deg: tuple[float, float]
    """Range of the angle about the vertical."""


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """Everything in which the dialects differ."""

    name: Literal["A", "B"]
    """The dialect's letter, to stand beside every number."""
    timestep_s: float
    """Physics time step."""
    solver_iterations: int
    """Constraint solver iterations a step."""
    view: View
    """Camera poses."""
    depth_noise: Literal["dex", "structured light", "none"]
    """Noise on the depth image; structured light is for demonstrations, no dialect has it."""
    cloud_sigma_m: float
    """Standard deviation of Gaussian noise on each point."""
    pile_scale: tuple[float, float]
    """Range of the objects' scale in a pile."""
    packed_scale: tuple[float, float]
    """Range of the objects' scale when packed."""
    object_mass_kg: float | None
    """Mass forced on every object; None leaves its own."""
    object_friction: float | None
    """Friction forced on every object; None leaves its own."""
    stop_on_contact: bool
    """Whether the approach stops at the first contact, or pushes on."""
    max_skips: int
    """How often a round the planner may find nothing and get a new view."""
    hand: HandDynamics = field(default_factory=HandDynamics)
    """The hand's friction and constraint forces."""
    workspace: Workspace = field(default_factory=Workspace)
    """The 0.3 m cube and its table."""
    camera: PinholeCamera = field(
        default_factory=lambda: PinholeCamera(width=640, height=480, fx=540.0, fy=540.0, cx=320.0, cy=240.0)
    )
    """The depth camera's intrinsics."""
    objects_per_round: int = 5
    """Objects asked for in a scene; packed scenes may hold fewer."""
    max_consecutive_failures: int = 2
    """A round ends after this many failed grasps in a row."""


DIALECT_A = Dialect(
    name="A",
    timestep_s=1.0 / 240.0,
    solver_iterations=150,
    view=View(target_height_m=0.10, radius_m=(0.6, 0.6), polar_deg=(60.0, 60.0), azimuth_deg=(-90.0, -90.0)),
    depth_noise="dex",
    cloud_sigma_m=0.0,
    pile_scale=(0.8, 1.0),
    packed_scale=(0.7, 0.9),
    object_mass_kg=None,
    object_friction=None,
    stop_on_contact=True,
    max_skips=0,
)
"""VGN, GIGA, EquiVG: single side view, dex noise."""

DIALECT_B = Dialect(
    name="B",
    timestep_s=1.0 / 80.0,
    solver_iterations=100,
    view=View(target_height_m=0.25, radius_m=(0.6, 0.75), polar_deg=(45.0, 60.0), azimuth_deg=(0.0, 180.0)),
    depth_noise="none",
    cloud_sigma_m=0.0008,
    pile_scale=(0.8, 1.0),
    packed_scale=(0.7, 0.8),
    object_mass_kg=0.5,
    object_friction=1.0,
    stop_on_contact=False,
    max_skips=3,
    hand=HandDynamics(gear_force_n=30.0, finger_friction=0.75, finger_spinning_friction=0.05),
    workspace=Workspace(open_top=True),
)
"""Edge Grasp, ICGNet, OrbitGrasp: random side view, three skips a round."""


def dialect(name: str) -> Dialect:
    """The dialect of a letter.

    Raises:
        InputError: for a letter other than A or B.
    """
    for candidate in (DIALECT_A, DIALECT_B):
        if candidate.name == name:
            return candidate
    raise InputError("dialect", expected="A or B", got=repr(name))
