"""How a person pushes: closed fingers go down behind the thing and shift it straight over the table."""

from __future__ import annotations

import numpy as np

from envs.demonstrator.grips import PAD_M, away_from
from envs.demonstrator.hand_model import grasp_frame
from envs.demonstrator.hand_path import arched, by_way_of
from envs.demonstrator.person import REST_APERTURE_M
from envs.demonstrator.showing import Showing
from envs.workbench import PushTo

CLOSED_M = 0.014
"""Distance of the tips of thumb and index finger of a closed hand."""


def push_to(showing: Showing, move: PushTo) -> None:
    """Reach behind the thing, push, and draw the hand back."""
    path, thing = showing.path, showing.things[move.object]
    T_thing, T_line = showing.at(move.object), showing.at(move.to)
    across = T_line[:3, 0]
    way = -across * float((T_thing - T_line)[:3, 3] @ across)
    forward = way / np.linalg.norm(way)
    half = 0.5 * float(np.abs(T_thing[:3, :2].T @ forward) @ np.array(thing.size_m[:2]))
    contact = T_thing[:3, 3] - (half + PAD_M + 0.5 * CLOSED_M) * forward
    contact[2] = 0.03
    closing = away_from(showing.person.body.shoulder_m, contact, float(showing.rng.normal(0.35, 0.1)))
    T_touch = grasp_frame(closing, 0.1, contact)
    T_behind = T_touch.copy()
    T_behind[:3, 3] -= 0.025 * forward
    above = T_behind.copy()
    above[2, 3] += 0.09
    start = path.now_s
    duration = showing.lasts(0.8, float(np.linalg.norm((T_behind - path.T_world_grasp)[:3, 3])), 0.7)
    path.add(duration, by_way_of(path.T_world_grasp, above, T_behind, duration), aperture=CLOSED_M)
    duration = showing.lasts(0.3)
    path.add(duration, arched(T_behind, T_touch, duration))
    showing.tell("reach", move.object, None, start)
    start = path.now_s
    T_end = T_touch.copy()
    T_end[:3, 3] += way + float(showing.rng.normal(0.0, 0.003)) * forward
    duration = showing.lasts(0.7, float(np.linalg.norm(way)), 3.0)
    path.add(duration, arched(T_touch, T_end, duration), moves=move.object)
    showing.pause(0.15)
    showing.tell("push", move.object, move.to, start)
    back = T_end.copy()
    back[:3, 3] += -0.05 * forward + np.array([0.04, 0.0, 0.12])
    duration = showing.lasts(0.6)
    path.add(duration, arched(T_end, back, duration), aperture=REST_APERTURE_M)
