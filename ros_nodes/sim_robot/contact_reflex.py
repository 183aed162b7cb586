"""The arm's reflex: it stops where it meets something hard while its fingers hold nothing."""

from __future__ import annotations

from envs.panda import PandaArm


class ContactReflex:
    """Watches the contacts of one arm.

    Args:
        arm: in a world that is being stepped.
    """

    def __init__(self, arm: PandaArm) -> None:
        self._arm = arm
        self._links = link_names(arm)

    def hardest(self, limit_n: float) -> str:
        """One line about the hardest contact of the arm or its hand above a force; empty where there is none.

        Args:
            limit_n: normal force of one contact point.
        """
        contacts = self._arm.contacts()
        worst = max(contacts, key=lambda c: c.normal_force_n, default=None)
        if worst is None or not worst.normal_force_n > limit_n:
            return ""
        own, other, link = worst.body_a, worst.body_b, worst.link_a
        if own != self._arm.body.uid:
            own, other, link = other, own, worst.link_b
        met = self._arm.world.bodies.get(other)
        partner = f" with {met.name}" if met is not None else ""
        return f"contact of {self._links[link]}{partner} at {worst.normal_force_n:.0f} N, above {limit_n:g} N"


def link_names(arm: PandaArm) -> dict[int, str]:
    """Link number to its name in the arm's description; -1 is the base."""
    bullet, uid = arm.world.bullet, arm.body.uid
    names = {-1: bullet.getBodyInfo(uid)[0].decode()}
    names.update((i, bullet.getJointInfo(uid, i)[12].decode()) for i in range(bullet.getNumJoints(uid)))
    return names
