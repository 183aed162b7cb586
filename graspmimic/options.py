"""Types of options that may be left out, so that `--help` shows what to type."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro

OptionalFile = Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")]
"""A file, or None for no such file."""

OptionalNumber = Annotated[float | None, tyro.conf.arg(metavar="NUMBER", help_behavior_hint="")]
"""A number, or None where it is not given."""

OptionalPoint = Annotated[tuple[float, float, float] | None, tyro.conf.arg(metavar="X Y Z", help_behavior_hint="")]
"""(3,) coordinates."""

OptionalBox = Annotated[
    tuple[float, float, float, float, float, float] | None,
    tyro.conf.arg(metavar="XMIN XMAX YMIN YMAX ZMIN ZMAX", help_behavior_hint=""),
]
"""(6,) limits along each axis in turn."""

TargetPoint = Annotated[tuple[float, ...] | None, tyro.conf.arg(metavar="X Y [Z]", help_behavior_hint="")]
"""A pixel, or a point."""

TargetBox = Annotated[tuple[int, int, int, int] | None, tyro.conf.arg(metavar="X0 Y0 X1 Y1", help_behavior_hint="")]
"""Corners of a box of pixels."""

ViewOption = Annotated[tuple[Path, ...] | None, tyro.conf.arg(metavar="[FILE.rrd]", help_behavior_hint="")]
"""None without `--view`, () for Rerun's window, (file,) to record into a file."""

OptionalCount = Annotated[int | None, tyro.conf.arg(metavar="COUNT", help_behavior_hint="")]
"""A whole number, or None where it is not given."""
