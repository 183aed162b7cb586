"""Packages that only some users need."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from geometry import InputError


def optional_package(module: str, *, extra: str) -> Any:
    """The module, imported now.

    Args:
        module: such as "pyarrow.parquet".
        extra: the extra of graspmimic that brings it.

    Raises:
        InputError: if it is not installed.
    """
    try:
        return import_module(module)
    except ImportError:
        package = module.partition(".")[0]
        raise InputError(
            extra,
            expected=f"the package {package}",
            got="an installation without it",
            remedy=f"`pip install 'graspmimic[{extra}]'`",
        ) from None
