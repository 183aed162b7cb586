"""What a caller asks of the grasps, in terms of one table frame, and why it could not be had."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from perception.grasping.network.fusion import Look
from perception.grasping.network.standing import places
from perception.grasping.network.targets import ApproachCone, Target

_LEAST_PLACES = 3


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """Where grasps are wanted, on what and from where."""

    looks: tuple[Look, ...]
    """What was seen, all in one table frame."""
    target: Target | None = None
    """What shall be grasped; None is anything."""
    cone: ApproachCone | None = None
    """From where; None is anywhere."""

    def seeds_allowed(self, points: Tensor) -> Tensor:
        """(N,) which places (N, 3) of the table frame may be grasped at."""
        inside = self.looks[0].prepared.in_workspace(points)
        return inside if self.target is None else inside & self.target.seeds_allowed(points)

    def poses_allowed(self, poses: Tensor) -> Tensor:
        """(N,) which poses (N, 4, 4) of the table frame may be taken."""
        if self.cone is None:
            return torch.ones(len(poses), dtype=torch.bool, device=poses.device)
        return self.cone.allows(poses, self.looks[0].prepared.T_world_table)

    def impossible(self) -> str:
        """Why no grasp can be had, whatever the hand; empty where one might."""
        if not any(bool((look.prepared.view.depth_m > 0.0).any()) for look in self.looks):
            return "no depth where grasps are wanted"
        if self.target is not None and not self.target:
            return "the target is hidden: no depth on it, or nothing but the table"
        inside = standing = wanted = 0
        for look in self.looks:
            points, stands = places(look)
            in_workspace = look.prepared.in_workspace(points)
            inside += int(in_workspace.sum())
            standing += int((stands & in_workspace).sum())
            wanted += int((stands & self.seeds_allowed(points)).sum())
        if not inside:
            return "the camera sees nothing of the workspace"
        what = "above the table " if self.looks[0].prepared.has_table else ""
        if standing < _LEAST_PLACES:
            return f"nothing stands {what}within the workspace"
        return "" if wanted >= _LEAST_PLACES else f"nothing of the target stands {what}within the workspace"
