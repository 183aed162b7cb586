"""Object sets for the commands, loaded with a progress bar: the first time, scans are cut into convex parts."""

from __future__ import annotations

from rich.console import Console
from rich.progress import Progress

from envs.objects import ObjectSet, load_objects


def load_with_progress(console: Console, source: str, scale: float) -> ObjectSet:
    """Load the set that `--objects` and `--object-scale` name, behind a bar that vanishes when it is done.

    Args:
        console: where the bar is drawn.
        source: "procedural", "random_urdfs", or a folder of URDFs or meshes.
        scale: factor on all lengths; 0.001 for meshes in millimetres.
    Raises:
        InputError: if there is no object there, or one that cannot be used.
    """
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task("loading objects", total=None)
        return load_objects(
            source, scale=scale, progress=lambda done, total: progress.update(bar, completed=done, total=total)
        )
