"""rclpy.logging: lines on stderr, with `once`, `skip_first` and `throttle_duration_sec` for each call site."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from enum import IntEnum
from typing import Any


class LoggingSeverity(IntEnum):
    UNSET = 0
    DEBUG = 10
    INFO = 20
    WARN = 30
    ERROR = 40
    FATAL = 50


_levels: dict[str, LoggingSeverity] = {"": LoggingSeverity.INFO}
_OPTIONS = ("once", "skip_first", "throttle_duration_sec", "throttle_time_source_type")


class _Site:
    """What is remembered of one line of code that logs."""

    def __init__(self, severity: LoggingSeverity) -> None:
        self.severity = severity
        self.calls = 0
        self.last: float | None = None


class RcutilsLogger:
    """Logger of a node, or of a name."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.rosout: Callable[[str, int, str], None] | None = None
        """Where a node's lines go besides stderr; not in rclpy, where rcl does this."""
        self._sites: dict[tuple[str, int], _Site] = {}

    def get_child(self, name: str) -> RcutilsLogger:
        if not name:
            raise ValueError("Child logger name must not be empty.")
        child = RcutilsLogger(f"{self.name}.{name}" if self.name else name)
        child.rosout = self.rosout
        return child

    def set_level(self, level: int) -> None:
        _levels[self.name] = LoggingSeverity(level)

    def get_effective_level(self) -> LoggingSeverity:
        name = self.name
        while name:
            if _levels.get(name, LoggingSeverity.UNSET) != LoggingSeverity.UNSET:
                return _levels[name]
            name = name.rpartition(".")[0]
        return _levels[""]

    def is_enabled_for(self, severity: int) -> bool:
        return self.get_effective_level() <= severity

    def _may_log(self, severity: LoggingSeverity, options: dict[str, Any]) -> bool:
        unknown = set(options) - set(_OPTIONS)
        if unknown:
            raise TypeError(f"Unsupported logging options: {sorted(unknown)}")
        if "throttle_time_source_type" in options and "throttle_duration_sec" not in options:
            raise TypeError("required parameter 'throttle_duration_sec' not specified")
        caller = sys._getframe(3)
        site = self._sites.setdefault((caller.f_code.co_filename, caller.f_lineno), _Site(severity))
        if site.severity != severity:
            raise ValueError("Logger severity cannot be changed between calls.")
        site.calls += 1
        if (options.get("once") and site.calls > 1) or (options.get("skip_first") and site.calls == 1):
            return False
        if "throttle_duration_sec" in options:
            clock = options.get("throttle_time_source_type")
            now = time.monotonic() if clock is None else clock.now().nanoseconds * 1e-9
            if site.last is not None and 0 <= now - site.last < options["throttle_duration_sec"]:
                return False
            site.last = now
        return True

    def log(self, message: str, severity: LoggingSeverity, **options: Any) -> bool:
        return self._log(message, severity, options)

    def _log(self, message: str, severity: LoggingSeverity, options: dict[str, Any]) -> bool:
        if not self.is_enabled_for(severity) or not self._may_log(severity, options):
            return False
        print(f"[{severity.name}] [{time.time():.9f}] [{self.name}]: {message}", file=sys.stderr)
        if self.rosout is not None:
            self.rosout(self.name, severity, message)
        return True

    def debug(self, message: str, **options: Any) -> bool:
        return self._log(message, LoggingSeverity.DEBUG, options)

    def info(self, message: str, **options: Any) -> bool:
        return self._log(message, LoggingSeverity.INFO, options)

    def warning(self, message: str, **options: Any) -> bool:
        return self._log(message, LoggingSeverity.WARN, options)

    def warn(self, message: str, **options: Any) -> bool:
        return self._log(message, LoggingSeverity.WARN, options)

    def error(self, message: str, **options: Any) -> bool:
        return self._log(message, LoggingSeverity.ERROR, options)

    def fatal(self, message: str, **options: Any) -> bool:
        return self._log(message, LoggingSeverity.FATAL, options)


def get_logger(name: str) -> RcutilsLogger:
    if not name:
        raise ValueError("Logger name must not be empty.")
    return RcutilsLogger(name)


def set_logger_level(name: str, level: int) -> None:
    _levels[name] = LoggingSeverity(level)


def get_logger_level(name: str) -> LoggingSeverity:
    return _levels.get(name, LoggingSeverity.UNSET)


def get_logger_effective_level(name: str) -> LoggingSeverity:
    return RcutilsLogger(name).get_effective_level()


def get_logging_severity_from_string(log_severity: str) -> LoggingSeverity:
    return LoggingSeverity[log_severity.upper()]
