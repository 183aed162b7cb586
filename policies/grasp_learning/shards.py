"""The dataset's files: one folder, a manifest that says what is in it, and one shard for each scene."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from geometry import InputError
from perception.grasping.training import DATA_FORMAT, DATA_VERSION, MANIFEST, read_manifest

_FREE = ("scenes", "versions")


def shard_path(folder: Path, index: int) -> Path:
    """The file of scene `index`."""
    return folder / f"scene_{index:06d}.npz"


def write_shard(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write a shard, whole or not at all."""
    draft = path.with_name(f".{path.stem}.{os.getpid()}.tmp")
    try:
        with draft.open("wb") as file:
            np.savez_compressed(file, **arrays)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def claim_folder(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write the manifest into a new folder, or see that the folder's is the same.

    Raises:
        InputError: if the folder holds shards of another kind; names the fields that differ.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / MANIFEST
    wanted = json.loads(json.dumps({"format": DATA_FORMAT, "version": DATA_VERSION, **manifest}))
    if path.is_file():
        found = read_manifest(folder)
        keys = sorted(key for key in {*wanted, *found} - set(_FREE) if wanted.get(key) != found.get(key))
        if keys:
            raise InputError(
                str(path),
                expected=", ".join(f"{key} = {_short(wanted.get(key))}" for key in keys),
                got=", ".join(_short(found.get(key)) for key in keys),
                remedy="name another --output, or the same options to go on with this one",
            )
        return
    if any(folder.glob("scene_*.npz")):
        raise InputError(str(folder), expected="a manifest.json beside the shards", got="none")
    draft = path.with_name(f".manifest.{os.getpid()}.tmp")
    draft.write_text(json.dumps(wanted, indent=2) + "\n", encoding="utf-8")
    draft.replace(path)


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 120 else f"{text[:117]}..."
