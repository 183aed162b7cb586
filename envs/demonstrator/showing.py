"""A person at work: each move of a script becomes pieces of the hand's path, and the truth about them."""

from __future__ import annotations

import numpy as np

from envs.demonstrator.demonstration import ShownGrasp, ShownSegment
from envs.demonstrator.grips import PEAK_SHARE, Grip, choose_grip
from envs.demonstrator.hand_path import HandPath, Way, arched, by_way_of
from envs.demonstrator.minimum_jerk import minimum_jerk
from envs.demonstrator.person import REST_APERTURE_M, Person
from envs.workbench import Layout, Thing
from geometry import FloatArray, InputError, invert, transform


class Showing:
    """The state of a demonstration while it is being made.

    Args:
        person: who.
        things: what is on the bench.
        layout: where it stands.
        rng: a person's scatter.
    """

    def __init__(self, person: Person, things: tuple[Thing, ...], layout: Layout, rng: np.random.Generator) -> None:
        self.person, self.rng = person, rng
        self.things = {thing.name: thing for thing in things}
        self.path = HandPath(person.rest, REST_APERTURE_M, layout)
        self.segments: list[ShownSegment] = []
        self.grasps: list[ShownGrasp] = []
        self._grip: Grip | None = None
        self._held_since_s = 0.0
        self.pause(0.5)

    @property
    def grip(self) -> Grip:
        """How the hand holds what it holds.

        Raises:
            InputError: if it holds nothing.
        """
        if self._grip is None:
            raise InputError("demonstrate", expected="a script that picks a thing before it puts it", got="no pick")
        return self._grip

    def at(self, name: str) -> FloatArray:
        """(4, 4) where a thing is now."""
        return self.path.T_world_things[name].copy()

    def lasts(self, base_s: float, way_m: float = 0.0, per_m_s: float = 0.0) -> float:
        """Duration of a move at this person's pace, with a tenth of scatter."""
        scatter = float(np.clip(self.rng.normal(1.0, 0.07), 0.85, 1.15))
        return (base_s + per_m_s * way_m) * self.person.pace * scatter

    def pause(self, base_s: float) -> None:
        """Wait a moment."""
        self.path.add(self.lasts(base_s))

    def tell(self, kind: str, name: str, to: str | None, start_s: float) -> None:
        """Note a step that ends now."""
        self.segments.append(ShownSegment(kind=kind, object=name, to=to, start_s=start_s, end_s=self.path.now_s))

    def reach(self, grip: Grip) -> None:
        """Bring the hand to a grip: opened the most at about two thirds of the way."""
        path, T_goal = self.path, grip.T_world_grasp
        way_m = float(np.linalg.norm((T_goal - path.T_world_grasp)[:3, 3]))
        duration = self.lasts(0.75, way_m, 0.7)
        back = T_goal.copy()
        back[:3, 3] += np.array([0.0, 0.0, 0.07]) - 0.05 * T_goal[:3, 2]
        widest = min(grip.largest_aperture_m + float(self.rng.normal(0.0, 0.004)), self.person.hand.widest_m)
        last = grip.aperture_m + 0.015
        peak = duration * float(self.rng.uniform(*PEAK_SHARE))
        first = path.aperture_m

        def aperture(moments: FloatArray) -> FloatArray:
            opening = first + (widest - first) * minimum_jerk(moments / peak)
            closing = widest + (last - widest) * minimum_jerk((moments - peak) / (duration - peak))
            return np.where(moments < peak, opening, closing)

        path.add(duration, by_way_of(path.T_world_grasp, back, T_goal, duration), aperture=aperture)

    def pick(self, name: str) -> None:
        """Reach, grasp and lift."""
        path = self.path
        grip = choose_grip(self.things[name], self.at(name), self.person.body.shoulder_m, self.rng)
        start = path.now_s
        self.reach(grip)
        self.tell("reach", name, None, start)
        start = path.now_s
        path.add(self.lasts(0.22), aperture=grip.aperture_m)
        self._grip, self._held_since_s = grip, path.now_s
        path.add(self.lasts(0.12), moves=name)
        self.tell("grasp", name, None, start)
        start, up = path.now_s, path.T_world_grasp.copy()
        up[2, 3] += float(np.clip(self.rng.normal(0.10, 0.012), 0.07, 0.13))
        duration = self.lasts(0.5)
        path.add(duration, arched(path.T_world_grasp, up, duration), moves=name)
        self.tell("lift", name, None, start)

    def carry_thing(
        self, name: str, T_world_thing: FloatArray, *, base_s: float, per_m_s: float, arch_m: float
    ) -> None:
        """Bring what is held to a pose of its own along a slightly arched way."""
        path = self.path
        T_goal = T_world_thing @ invert(self.at(name)) @ path.T_world_grasp
        way_m = float(np.linalg.norm((T_goal - path.T_world_grasp)[:3, 3]))
        duration = self.lasts(base_s, way_m, per_m_s)
        path.add(duration, arched(path.T_world_grasp, T_goal, duration, arch_m), moves=name)

    def move_held(self, name: str, duration_s: float, way_of_thing: Way) -> None:
        """Move what is held along a way of its own."""
        T_thing_grasp = invert(self.at(name)) @ self.path.T_world_grasp
        self.path.add(duration_s, lambda moments: way_of_thing(moments) @ T_thing_grasp, moves=name)

    def let_go(self, name: str) -> None:
        """Open the hand and draw it back."""
        self.open_hand(name)
        self.draw_back()

    def open_hand(self, name: str) -> None:
        """Open the hand about what it holds."""
        grip = self.grip
        self.grasps.append(
            ShownGrasp(
                object=name,
                T_thing_grasp=grip.T_thing_grasp,
                width_m=grip.width_m,
                start_s=self._held_since_s,
                end_s=self.path.now_s,
            )
        )
        self.path.add(self.lasts(0.28), aperture=min(grip.aperture_m + 0.035, self.person.hand.widest_m))
        self._grip = None

    def draw_back(self, *, elsewhere: tuple[str, Way] | None = None) -> None:
        """Draw the hand back against its approach, and up; somebody else may move a thing meanwhile."""
        path = self.path
        back = path.T_world_grasp @ transform(translation=(0.0, 0.0, -0.06))
        back[:3, 3] += (0.05, 0.0, 0.06)
        duration = self.lasts(0.55)
        path.add(duration, arched(path.T_world_grasp, back, duration), aperture=REST_APERTURE_M, elsewhere=elsewhere)

    def go_home(self) -> None:
        """Bring the hand back to where it rests."""
        path = self.path
        duration = self.lasts(0.6, float(np.linalg.norm((self.person.rest - path.T_world_grasp)[:3, 3])), 0.6)
        path.add(duration, arched(path.T_world_grasp, self.person.rest, duration, 0.03), aperture=REST_APERTURE_M)
        self.pause(0.4)
