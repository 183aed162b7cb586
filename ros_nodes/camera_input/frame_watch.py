"""How frames come: how often, how old, whether at all, and whether the clock went back between them."""

from __future__ import annotations

_SMOOTHING = 0.2
_BACK_NS = 100_000_000
_AHEAD_S = 0.5


class FrameWatch:
    """Keeps the time of frames as they arrive; `steady_s` is any clock that nobody sets, in seconds.

    Args:
        steady_s: now.
    """

    def __init__(self, steady_s: float) -> None:
        self._last_s: float | None = None
        self._since_s = steady_s
        self._now_ns: int | None = None
        self._taken_s = -float("inf")
        self.period_s = float("inf")
        """Mean time between frames lately; infinite before the second."""
        self.frames = 0
        """Frames that came."""

    def arrived(self, now_ns: int, steady_s: float) -> bool:
        """A frame came.

        Args:
            now_ns: the robot's clock.
            steady_s: now.
        Returns:
            Whether the robot's clock went back since the last frame.
        """
        if self._last_s is not None:
            gap_s = steady_s - self._last_s
            known = self.period_s < float("inf")
            self.period_s = self.period_s + _SMOOTHING * (gap_s - self.period_s) if known else gap_s
        self._last_s = steady_s
        self.frames += 1
        back = self._now_ns is not None and now_ns < self._now_ns - _BACK_NS
        self._now_ns = now_ns
        return back

    def silent_s(self, steady_s: float) -> float:
        """Seconds without a frame."""
        return steady_s - (self._since_s if self._last_s is None else self._last_s)

    def may_take(self, steady_s: float, max_rate_hz: float) -> bool:
        """Whether the rate limit lets another frame through, which then counts as taken.

        Args:
            steady_s: now.
            max_rate_hz: 0 for no limit.
        """
        # half a camera period early is on time: else a limit at the camera's own rate would drop every other frame
        early_s = 0.5 * min(self.period_s, 1.0 / max_rate_hz) if max_rate_hz > 0.0 else 0.0
        if max_rate_hz > 0.0 and steady_s - self._taken_s < 1.0 / max_rate_hz - early_s:
            return False
        self._taken_s = steady_s
        return True

    def is_stale(self, waited_s: float, max_wait_s: float) -> bool:
        """Whether a frame waited so long for the detector that the next, which is about due, is the better one."""
        return 0.0 < max_wait_s < waited_s and self.period_s <= 4.0 * max_wait_s


def age_problem(stamp_ns: int, now_ns: int, max_age_s: float) -> str:
    """What is wrong with a frame's time, in one line; empty where nothing is.

    Args:
        stamp_ns: the frame's.
        now_ns: the robot's clock.
        max_age_s: older frames are refused.
    """
    age_s = 1e-9 * (now_ns - stamp_ns)
    if age_s > max_age_s:
        hint = " (its stamp is 0)" if stamp_ns == 0 else ""
        return (
            f"the frame is {age_s:.2f} s old{hint}, above max_age_s = {max_age_s:g}; do camera and node share one clock"
            " (use_sim_time), and does the network keep up?"
        )
    if age_s < -_AHEAD_S:
        return f"the frame's stamp is {-age_s:.2f} s in the future; do camera and node share one clock (use_sim_time)?"
    return ""
