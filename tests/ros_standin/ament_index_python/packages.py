"""ament_index_python.packages: the folders in AMENT_PREFIX_PATH, which a test may set up."""

from __future__ import annotations

import os
from pathlib import Path


class PackageNotFoundError(KeyError):
    """Raised for a package that no prefix holds."""


def get_package_prefix(package_name: str) -> str:
    for prefix in filter(None, os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep)):
        if (Path(prefix) / "share" / "ament_index" / "resource_index" / "packages" / package_name).is_file():
            return prefix
    raise PackageNotFoundError(f"package '{package_name}' not found, searching: AMENT_PREFIX_PATH")


def get_package_share_path(package_name: str) -> Path:
    return Path(get_package_prefix(package_name)) / "share" / package_name


def get_package_share_directory(package_name: str) -> str:
    return str(get_package_share_path(package_name))
