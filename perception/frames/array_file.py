"""One array out of an `.npy` or `.npz` file, without ever unpickling anything."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geometry import InputError


def read_array(path: str | Path, keys: tuple[str, ...]) -> NDArray[Any]:
    """Read the array of an `.npy` file, or the one named by the first of `keys` that an `.npz` file holds.

    An `.npz` file with a single array is read whatever its key.

    Raises:
        InputError: if the file is missing, damaged, holds Python objects, or holds none of the keys.
    """
    path = Path(path)
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return loaded
        with loaded as archive:
            names = [key for key in keys if key in archive.files] or archive.files[: len(archive.files) == 1]
            if not names:
                raise InputError(str(path), expected=f"an array under the key {keys[0]!r}", got=f"{archive.files}")
            return np.asarray(archive[names[0]])
    except InputError:
        raise
    except OSError as error:
        raise InputError(str(path), expected="a readable file", got=error.strerror or str(error)) from None
    except (ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(
            str(path),
            expected="an undamaged .npy or .npz file of plain numbers",
            got=str(error).splitlines()[0] if str(error) else type(error).__name__,
            remedy="pickled objects are never loaded: save the bare array with numpy.save",
        ) from None
