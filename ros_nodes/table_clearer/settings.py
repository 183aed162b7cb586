"""What the table clearer can be told."""

from __future__ import annotations

from dataclasses import dataclass

from ros_nodes.setting import check_settings, setting


@dataclass(frozen=True, kw_only=True)
class ClearSettings:
    """When it begins and when it stops."""

    autostart: bool = setting(
        True, "Begin as soon as the pick server is there; else when ~/clear is called.", read_only=True
    )
    pick_server: str = setting(
        "pick_server", "Name of the pick server's node; names of actions cannot be remapped.", read_only=True
    )
    max_failures: int = setting(2, "Stop after this many pickups in a row that brought nothing.", low=1, high=100)
    max_empty_looks: int = setting(
        1, "Stop after this many looks in a row that found nothing to grasp, or nothing within reach.", low=1, high=100
    )
    max_picks: int = setting(50, "Stop after this many pickups in all.", low=1, high=10_000)
    target: str = setting("", "Name of what to pick, as the grasp planner knows it; empty is anything.")
    pickup_timeout_s: float = setting(
        300.0, "How long one pickup or place may take before it is canceled, s of the wall clock.", low=1.0, high=3600.0
    )
    server_timeout_s: float = setting(
        30.0,
        "How long to wait at first for pick server, robot and camera, s of the wall clock.",
        low=0.1,
        high=600.0,
    )

    def __post_init__(self) -> None:
        check_settings(self)
