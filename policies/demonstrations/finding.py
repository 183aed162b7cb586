"""What the doctor finds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

Severity = Literal["error", "warning"]
"""An error makes training wrong; a warning may."""
_LISTED = 6


class Finding(NamedTuple):
    """One thing that is wrong with a set."""

    severity: Severity
    """How bad it is."""
    check: str
    """Which check found it: "constant action", "idle frames" and the like."""
    what: str
    """What is the case, with figures."""
    where: str
    """Which numbers or which episodes."""
    remedy: str
    """What to do about it."""


def episodes_named(names: Sequence[str], total: int) -> str:
    """Some episodes of a set, in words."""
    more = ", ..." if len(names) > _LISTED else ""
    return f"episodes {', '.join(names[:_LISTED])}{more} ({len(names)} of {total})"
