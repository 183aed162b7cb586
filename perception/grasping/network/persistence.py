"""Not giving up: what is tried in turn when no grasp is found, and what is said when there is none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from geometry import PANDA_HAND, GripperSpec
from perception.grasping.grasps import Grasps
from perception.grasping.network.fusion import Look, judged_by_all
from perception.grasping.network.hand_room import palm_overlap
from perception.grasping.network.model import GraspNetwork
from perception.grasping.network.search import Found, Search, find_grasps, rate_poses
from perception.grasping.network.stages import StageClock
from perception.grasping.network.standing import places, solid_points
from perception.grasping.network.verdict import Ranking, free_of, ranked
from perception.grasping.network.wishes import Wishes

_TARGET_PER_SEED = 16
_MOST_DRAWN_BACK_M = 0.02
_PALM_GAP_M = 0.002


@dataclass(frozen=True)
class Persistence:
    """A search that relaxes step by step until it finds something."""

    network: GraspNetwork
    search: Search
    ranking: Ranking
    gripper: GripperSpec
    clock: StageClock

    def find(self, wishes: Wishes) -> Grasps:
        """Grasps of the table frame, best first, near duplicates and all; `note` says what was given up.

        First the search as it is. Then a deeper one, with places of little promise and more poses at
        each. Then what touches something that was seen is taken after all.
        """
        if impossible := wishes.impossible():
            return Grasps(frame="table", note=impossible)
        touching: Grasps | None = None
        for search, note in ((self._usual(wishes), ""), (self._deeper(), "found by a deeper search")):
            found = self._proposed(wishes, search)
            fitting = ranked(found, self.ranking, self.gripper)
            if wishes.target is not None:
                fitting = fitting[wishes.target.held(fitting.poses, self.gripper)]
            free = self._free(wishes, fitting)
            if len(free):
                return replace(free, note=note)
            if len(fitting) and touching is None:
                touching = fitting
        if touching is not None:
            return replace(touching, note="the open hand touches something at every grasp; these are the best even so")
        return Grasps(frame="table", note=self._excuse(wishes, found))

    def _usual(self, wishes: Wishes) -> Search:
        """As set; on a target there are few seeds, so that more is looked at in each."""
        if wishes.target is None:
            return self.search
        return replace(self.search, per_seed=max(self.search.per_seed, _TARGET_PER_SEED))

    def _deeper(self) -> Search:
        s = self.search
        return replace(s, seeds=2 * s.seeds, per_seed=6 * s.per_seed, candidates=4 * s.candidates, least_promise=0.0)

    def _proposed(self, wishes: Wishes, search: Search) -> Found:
        """What is found in each look, judged by all of them."""
        proposals = [
            find_grasps(
                self.network,
                look.prepared.view,
                look.maps,
                search,
                gripper=self.gripper,
                seed_allowed=partial(_seeds_allowed, wishes, look, search),
                pose_allowed=None if wishes.cone is None else wishes.poses_allowed,
                has_table=look.prepared.has_table,
                lap=self.clock.lap,
            )
            for look in wishes.looks
        ]
        fused = proposals[0]
        if len(proposals) > 1:
            fused = judged_by_all(self.network, wishes.looks, proposals, self.gripper)
            self.clock.lap("evaluate")
        return self._drawn_back(wishes, fused)

    def _drawn_back(self, wishes: Wishes, found: Found) -> Found:
        """Grasps of a hand with shorter fingers than the Panda's, drawn back until its palm is clear."""
        if self.gripper.finger_depth_m >= PANDA_HAND.finger_depth_m or not len(found.poses):
            return found
        poses = found.poses.double().cpu().numpy()
        overlap = max(
            (palm_overlap(poses, solid_points(look), self.gripper) for look in wishes.looks), key=lambda o: o.sum()
        )
        back = torch.as_tensor(overlap, dtype=found.poses.dtype, device=found.poses.device)
        back = torch.where(back > 0.0, back + _PALM_GAP_M, back)
        moved = found.poses.clone()
        moved[:, :3, 3] -= back[:, None] * moved[:, :3, 2]
        moved = moved[back < _MOST_DRAWN_BACK_M]
        if not len(moved):
            return Found(moved, *[torch.zeros(0, device=moved.device)] * 3)
        if len(wishes.looks) > 1:
            nothing = torch.zeros(len(moved), device=moved.device)
            return judged_by_all(self.network, wishes.looks, [Found(moved, nothing, nothing, nothing)], self.gripper)
        look = wishes.looks[0]
        return rate_poses(self.network, look.prepared.view, look.maps, moved)

    def _free(self, wishes: Wishes, grasps: Grasps) -> Grasps:
        """Those at which the open hand touches nothing that any look saw."""
        for look in wishes.looks:
            if len(grasps):
                grasps = free_of(grasps, solid_points(look), self.ranking, self.gripper)
        return grasps

    def _excuse(self, wishes: Wishes, found: Found) -> str:
        """Why nothing was found although something stands there."""
        if len(found.poses):
            if wishes.target is not None:
                return f"none of {len(found.poses)} grasps holds the target, and mostly the target"
            return f"the hand opens to {1e3 * self.gripper.max_width_m:.0f} mm, too little for what stands there"
        if wishes.cone is not None:
            others = len(self._proposed(replace(wishes, cone=None), self.search).poses)
            if others:
                return f"no grasp from within the approach cone; {others} from elsewhere"
        return "the hand has no room at anything that stands there"


def _seeds_allowed(wishes: Wishes, look: Look, search: Search, points: Tensor) -> Tensor:
    """(N,) which of a look's places may be grasped at; those of no promise only where something stands."""
    allowed = wishes.seeds_allowed(points)
    return allowed if search.least_promise > 0.0 else allowed & places(look)[1]
