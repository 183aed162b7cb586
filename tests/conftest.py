"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real frames and benchmark objects: $GRASPMIMIC_DATA, or ../shared/data beside the repository."""
    folder = Path(os.environ.get("GRASPMIMIC_DATA") or REPOSITORY.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no folder {folder}; set GRASPMIMIC_DATA to the folder of the test data")
    return folder
