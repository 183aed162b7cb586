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

ViewOption = Annotated[tuple[Path, ...] | None, tyro.conf.arg(metavar="[FILE.rrd]", help_behavior_hint="")]
"""None without `--view`, () for Rerun's window, (file,) to record into a file."""
