"""Object sets for the commands, loaded with a progress bar: the first time, scans are cut into convex parts."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from envs.objects import ObjectSet, load_objects
from geometry import InputError


def load_with_progress(
    console: Console,
    source: str,
    scale: float,
    *,
    only: Iterable[str] | None = None,
    exclude: Iterable[str] | None = None,
) -> ObjectSet:
    """Load the set that `--objects` and `--object-scale` name, behind a bar that vanishes when it is done.

    Args:
        console: where the bar is drawn.
        source: "procedural", "random_urdfs", or a folder of URDFs or meshes.
        scale: factor on all lengths; 0.001 for meshes in millimetres.
        only: names to keep; None keeps all. Names that the set has not are ignored.
        exclude: names to leave out; None leaves out none.
    Raises:
        InputError: if there is no object there, or one that cannot be used, or if none is left.
    """
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task("loading objects", total=None)
        objects = load_objects(
            source, scale=scale, progress=lambda done, total: progress.update(bar, completed=done, total=total)
        )
    return filtered(objects, only=only, exclude=exclude)


def filtered(
    objects: ObjectSet, *, only: Iterable[str] | None = None, exclude: Iterable[str] | None = None
) -> ObjectSet:
    """The objects of a set whose names are in `only` and not in `exclude`; None is no condition.

    Raises:
        InputError: if none is left.
    """
    keep = {model.name for model in objects} if only is None else set(only)
    keep -= set(exclude or ())
    models = tuple(model for model in objects if model.name in keep)
    if not models:
        raise InputError(
            "--only, --exclude",
            expected=f"names that leave some of the {len(objects)} objects of {objects.name}",
            got="none left",
            remedy=f"names there are such as {objects[0].name}",
        )
    return ObjectSet(objects.name, models)


def read_names(path: Path | None) -> tuple[str, ...] | None:
    """Names of objects from a text file: one a line, # begins a comment. None for no file.

    Raises:
        InputError: if the file cannot be read or holds no name.
    """
    if path is None:
        return None
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        said = getattr(error, "strerror", None) or "no text"
        raise InputError(str(path), expected="a text file of object names, one a line", got=said) from None
    names = tuple(name for line in lines if (name := line.partition("#")[0].strip()))
    if not names:
        raise InputError(str(path), expected="object names, one a line", got="none")
    return names
