"""Recipes: what a settled training scene is made of, enough to build it again without settling."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from envs.clutter import Dialect, dialect
from envs.scenes import Arrangement, Scene, add_bin, arrange
from envs.world import World
from geometry import InputError
from policies.grasp_learning.object_pool import ObjectPool


@dataclass(frozen=True, kw_only=True)
class Physics:
    """The rules that a scene and its trials obey."""

    dialect: str
    """Letter of the benchmark's dialect: time step, solver, the hand's forces."""
    object_mass_kg: float | None
    """Mass of every object; None leaves its own."""
    object_friction: float | None
    """Friction of every object; None leaves its own."""

    @property
    def rules(self) -> Dialect:
        """The dialect itself."""
        return dialect(self.dialect)


@dataclass(frozen=True, kw_only=True)
class RecipeObject:
    """One object of a scene."""

    source: str
    """Name of the object set."""
    name: str
    """Name within it."""
    scale: float
    """Factor on its lengths."""
    T_world_object: tuple[tuple[float, ...], ...]
    """(4, 4) settled pose of its link frame."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A settled scene."""

    arrangement: Arrangement
    """How the objects lie; "bin" has walls."""
    physics: Physics
    """The rules it settled by."""
    objects: tuple[RecipeObject, ...]
    """In the order in which they are put back."""
    table_z_m: float
    """Height of the table's top in the world."""
    size_m: float
    """Edge of the workspace."""
    seed: tuple[int, ...]
    """What its random numbers grew from."""

    def to_json(self) -> str:
        """One line of JSON; numbers keep every bit."""
        return json.dumps(asdict(self), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Recipe:
        """The recipe of a line that `to_json` wrote.

        Raises:
            InputError: if it is no such line.
        """
        try:
            fields = json.loads(text)
            objects = tuple(
                RecipeObject(**{**item, "T_world_object": tuple(map(tuple, item["T_world_object"]))})
                for item in fields["objects"]
            )
            plain = {**fields, "objects": objects, "physics": Physics(**fields["physics"])}
            return cls(**{**plain, "seed": tuple(fields["seed"])})
        except (ValueError, TypeError, KeyError) as error:
            raise InputError("Recipe", expected="the JSON of a scene's recipe", got=f"{error}") from None

    def build(self, pool: ObjectPool) -> Scene:
        """The scene, in a world of its own; the same bits every time. Close its world in the end."""
        scene = empty_scene(self.physics)
        if self.arrangement == "bin":
            add_bin(scene)
        for item in self.objects:
            scene.add(pool.model(item.source, item.name), np.array(item.T_world_object), item.scale)
        return scene


def empty_scene(physics: Physics) -> Scene:
    """A table without objects, in a world of its own."""
    rules = physics.rules
    world = World(timestep_s=rules.timestep_s, solver_iterations=rules.solver_iterations)
    return Scene(world, rules.workspace, object_mass_kg=physics.object_mass_kg, object_friction=physics.object_friction)


@dataclass(frozen=True, kw_only=True)
class SceneMix:
    """What training scenes are like."""

    shares: Mapping[str, float]
    """Probability of each arrangement."""
    counts: tuple[int, int]
    """Fewest and most objects asked for."""
    scales: tuple[float, float]
    """Range of the objects' scale."""
    odd_friction: float
    """Share of the scenes in which the objects' friction is drawn at random."""
    frictions: tuple[float, float]
    """Range of that friction."""


SCENE_MIX = SceneMix(
    shares={"pile": 0.45, "packed": 0.35, "tabletop": 0.10, "bin": 0.10},
    counts=(1, 6),
    scales=(0.65, 1.05),
    odd_friction=0.1,
    frictions=(0.6, 1.2),
)
"""Scenes like every state of a clearing round of the benchmark, and some more."""

_VARIETY = 16


def settle_scene(pool: ObjectPool, mix: SceneMix, seed: Sequence[int]) -> Recipe:
    """Draw a scene, let it settle, and write down its recipe; one that ends empty is drawn again."""
    for retry in range(100):
        recipe = _settle_once(pool, mix, (*seed, retry))
        if recipe.objects:
            return recipe
    raise InputError("settle_scene", expected="objects that stay on the table", got="none in 100 scenes")


def _settle_once(pool: ObjectPool, mix: SceneMix, seed: tuple[int, ...]) -> Recipe:
    rng = np.random.default_rng(seed)
    names = list(mix.shares)
    arrangement: Arrangement = rng.choice(names, p=np.array(list(mix.shares.values())) / sum(mix.shares.values()))
    physics = _draw_physics(mix, rng)
    count = int(rng.integers(mix.counts[0], mix.counts[1] + 1))
    choice = pool.draw(rng, _VARIETY, packed=arrangement == "packed")
    scene = empty_scene(physics)
    try:
        arrange(scene, choice, str(arrangement), count=count, rng=rng, scale_range=mix.scales)  # type: ignore[arg-type]
        objects = tuple(
            RecipeObject(
                source=pool.source_of(item.model),
                name=item.model.name,
                scale=item.scale,
                T_world_object=tuple(map(tuple, item.body.pose().tolist())),
            )
            for item in scene.objects.values()
        )
    finally:
        scene.world.close()
    return Recipe(
        arrangement=str(arrangement),  # type: ignore[arg-type]
        physics=physics,
        objects=objects,
        table_z_m=scene.workspace.table_z_m,
        size_m=scene.workspace.size_m,
        seed=seed,
    )


def _draw_physics(mix: SceneMix, rng: np.random.Generator) -> Physics:
    rules = dialect(str(rng.choice(["A", "B"])))
    friction = rules.object_friction
    if rng.random() < mix.odd_friction:
        friction = float(rng.uniform(*mix.frictions))
    return Physics(dialect=rules.name, object_mass_kg=rules.object_mass_kg, object_friction=friction)
