"""One kind of object, ready to be put into a world, and sets of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import trimesh
from numpy.typing import ArrayLike

from envs.objects.urdf_shapes import join, read_convex_parts, read_visual
from envs.world import Body, World
from geometry import InputError


@dataclass(frozen=True)
class ObjectModel:
    """A rigid object: a URDF of one link and the scale at which it is used."""

    name: str
    """Name within its set."""
    urdf: Path
    """The file that Bullet loads."""
    scale: float = 1.0
    """Factor on all lengths of the URDF."""
    true_inertia: bool = False
    """The URDF's inertia is true. Otherwise Bullet takes that of the collision shape's bounding box."""

    def __post_init__(self) -> None:
        if not (np.isfinite(self.scale) and self.scale > 0.0):
            raise InputError("ObjectModel", expected="scale > 0", got=f"{self.scale}")

    def mesh(self) -> trimesh.Trimesh:
        """What is to be seen of the object, in metres in its link frame. Shared: do not alter it."""
        return read_visual(self.urdf, self.scale)

    def convex_parts(self) -> tuple[trimesh.Trimesh, ...]:
        """The convex pieces that the object collides with, in metres in its link frame."""
        return read_convex_parts(self.urdf, self.scale)

    def collision_mesh(self) -> trimesh.Trimesh:
        """All convex pieces in one mesh, overlaps and inner walls included."""
        return join(self.convex_parts())

    def load(self, world: World, T_world_link: ArrayLike | None = None, scale: float = 1.0) -> Body:
        """Put the object into a world, `scale` times larger than the model says.

        Bullet keeps a URDF's mass when it scales lengths. Where the inertia is true, so is the
        density: mass follows the cube of the scale and inertia its fifth power.
        """
        factor = self.scale * scale
        flags = world.bullet.URDF_USE_INERTIA_FROM_FILE if self.true_inertia else 0
        body = world.load_urdf(self.urdf, T_world_link, scale=factor, flags=flags, name=self.name)
        if self.true_inertia and factor != 1.0:
            info = world.bullet.getDynamicsInfo(body.uid, -1)
            inertia = [factor**5 * value for value in info[2]]
            world.bullet.changeDynamics(body.uid, -1, mass=factor**3 * info[0], localInertiaDiagonal=inertia)
        return body


@dataclass(frozen=True)
class ObjectSet:
    """Object models under one name, sorted by their own names."""

    name: str
    models: tuple[ObjectModel, ...]

    def __post_init__(self) -> None:
        if not self.models:
            raise InputError("ObjectSet", expected="at least one object", got=f"none in {self.name}")
        object.__setattr__(self, "models", tuple(sorted(self.models, key=lambda model: model.name)))

    def __len__(self) -> int:
        return len(self.models)

    def __getitem__(self, index: int) -> ObjectModel:
        return self.models[index]

    def __iter__(self) -> Iterator[ObjectModel]:
        return iter(self.models)

    def sample(self, rng: np.random.Generator, n: int, *, replace: bool = True) -> tuple[ObjectModel, ...]:
        """Draw `n` models uniformly; with `replace`, a model may come twice, as in the clutter benchmark."""
        if not replace and n > len(self):
            raise InputError("sample", expected=f"n <= {len(self)} without replacement", got=f"{n}")
        return tuple(self.models[i] for i in rng.choice(len(self), size=n, replace=replace))
