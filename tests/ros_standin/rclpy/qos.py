"""rclpy.qos: profiles, and which offer satisfies which request."""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import Any

from rclpy.duration import Duration, Infinite


class QoSPolicyKind(IntEnum):
    INVALID = 1
    DURABILITY = 2
    DEADLINE = 4
    LIVELINESS = 8
    RELIABILITY = 16
    HISTORY = 32
    LIFESPAN = 64
    DEPTH = 128


class InvalidQoSProfileException(Exception):
    """Raised for a profile that cannot be."""

    def __init__(self, *args: object) -> None:
        super().__init__("Invalid QoSProfile", *args)


class HistoryPolicy(IntEnum):
    SYSTEM_DEFAULT = 0
    KEEP_LAST = 1
    KEEP_ALL = 2
    UNKNOWN = 3


class ReliabilityPolicy(IntEnum):
    SYSTEM_DEFAULT = 0
    RELIABLE = 1
    BEST_EFFORT = 2
    UNKNOWN = 3
    BEST_AVAILABLE = 4


class DurabilityPolicy(IntEnum):
    SYSTEM_DEFAULT = 0
    TRANSIENT_LOCAL = 1
    VOLATILE = 2
    UNKNOWN = 3
    BEST_AVAILABLE = 4


class LivelinessPolicy(IntEnum):
    SYSTEM_DEFAULT = 0
    AUTOMATIC = 1
    MANUAL_BY_TOPIC = 3
    UNKNOWN = 4
    BEST_AVAILABLE = 5


QoSHistoryPolicy = HistoryPolicy
QoSReliabilityPolicy = ReliabilityPolicy
QoSDurabilityPolicy = DurabilityPolicy
QoSLivelinessPolicy = LivelinessPolicy
_FIELDS = (
    "history", "depth", "reliability", "durability", "lifespan", "deadline", "liveliness",
    "liveliness_lease_duration", "avoid_ros_namespace_conventions",
)  # fmt: skip


class QoSProfile:
    """Quality of service of an endpoint; `depth` or `history` must be given."""

    def __init__(self, **fields: Any) -> None:
        unknown = set(fields) - set(_FIELDS)
        if unknown:
            raise AssertionError(f"Got invalid arguments for QoSProfile: {sorted(unknown)}")
        if "history" not in fields and "depth" not in fields:
            raise InvalidQoSProfileException("History and/or depth settings are required.")
        self.history = HistoryPolicy(fields.get("history", HistoryPolicy.KEEP_LAST))
        if self.history == HistoryPolicy.KEEP_LAST and "depth" not in fields:
            raise InvalidQoSProfileException("Depth setting is required with KEEP_LAST history policy.")
        self.depth = fields.get("depth", 0)
        if not isinstance(self.depth, int) or self.depth < 0:
            raise ValueError(f"depth must be an integer >= 0, got {self.depth!r}")
        self.reliability = ReliabilityPolicy(fields.get("reliability", ReliabilityPolicy.RELIABLE))
        self.durability = DurabilityPolicy(fields.get("durability", DurabilityPolicy.VOLATILE))
        self.lifespan: Duration = fields.get("lifespan", Infinite)
        self.deadline: Duration = fields.get("deadline", Infinite)
        self.liveliness = LivelinessPolicy(fields.get("liveliness", LivelinessPolicy.AUTOMATIC))
        self.liveliness_lease_duration: Duration = fields.get("liveliness_lease_duration", Infinite)
        self.avoid_ros_namespace_conventions = bool(fields.get("avoid_ros_namespace_conventions", False))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, QoSProfile) and all(getattr(self, f) == getattr(other, f) for f in _FIELDS)

    def __repr__(self) -> str:
        return f"QoSProfile({', '.join(f'{field}={getattr(self, field)!r}' for field in _FIELDS[:4])})"

    @property
    def kept(self) -> int | None:
        """How many messages a queue of this profile holds; None for all."""
        return None if self.history == HistoryPolicy.KEEP_ALL else max(self.depth, 1)


def profile_of(qos: QoSProfile | int) -> QoSProfile:
    """A profile, or the default one with this depth, as create_publisher and create_subscription take them."""
    if isinstance(qos, QoSProfile):
        return qos
    if isinstance(qos, bool) or not isinstance(qos, int):
        raise TypeError(f"Expected QoSProfile or int, but received {type(qos)}")
    if qos < 0:
        raise ValueError("history depth must be greater than or equal to zero")
    return QoSProfile(depth=qos)


def incompatible_policy(offered: QoSProfile, requested: QoSProfile) -> str:
    """Name of the policy that keeps a publisher and a subscription apart; empty where they connect."""
    if (
        offered.reliability == ReliabilityPolicy.BEST_EFFORT
        and requested.reliability in (ReliabilityPolicy.RELIABLE, ReliabilityPolicy.SYSTEM_DEFAULT)
    ):  # fmt: skip
        return "RELIABILITY"
    latched = (DurabilityPolicy.TRANSIENT_LOCAL, DurabilityPolicy.BEST_AVAILABLE)
    if requested.durability == DurabilityPolicy.TRANSIENT_LOCAL and offered.durability not in latched:
        return "DURABILITY"
    return ""


qos_profile_default = QoSProfile(depth=10)
qos_profile_system_default = QoSProfile(depth=0, reliability=0, durability=0, liveliness=0)
qos_profile_sensor_data = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
qos_profile_services_default = QoSProfile(depth=10)
qos_profile_parameters = QoSProfile(depth=1000)
qos_profile_parameter_events = QoSProfile(depth=1000)
qos_profile_action_status_default = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
qos_profile_best_available = QoSProfile(
    depth=10, reliability=ReliabilityPolicy.BEST_AVAILABLE, durability=DurabilityPolicy.BEST_AVAILABLE
)


class QoSPresetProfiles(Enum):
    UNKNOWN = None
    DEFAULT = qos_profile_default
    SYSTEM_DEFAULT = qos_profile_system_default
    SENSOR_DATA = qos_profile_sensor_data
    SERVICES_DEFAULT = qos_profile_services_default
    PARAMETERS = qos_profile_parameters
    PARAMETER_EVENTS = qos_profile_parameter_events
    ACTION_STATUS_DEFAULT = qos_profile_action_status_default
    BEST_AVAILABLE = qos_profile_best_available
