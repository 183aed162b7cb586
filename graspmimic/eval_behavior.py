"""`graspmimic eval behavior`: how well behaviour is understood, on public recordings and on your own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from geometry import InputError
from graspmimic.options import OptionalFile
from graspmimic.report import prepare_folder


@dataclass(frozen=True, kw_only=True)
class EvalBehavior:
    """Measure how well behaviour is understood; whoever is judged on was never trained on.

    reach-to-grasp: object size and phases from a reaching hand (Roboskel). gestures: five gesture phases (UCI).
    verbs: HICO's verbs from HAKE's body-part states, by rules and by a network. exercises: unlabelled segments
    (mocap6). semi-coupled: two streams with and without isolated gradients (the folder above Roboskel and HAKE).
    watch: the simulated person (no data). model: a network of `train behavior` on a set of recordings.
    """

    what: Literal["reach-to-grasp", "gestures", "verbs", "exercises", "semi-coupled", "watch", "model"]
    """What to measure."""
    data: OptionalFile = None
    """Folder of the public recordings, or for model a set of recordings (.npz)."""
    model: OptionalFile = None
    """model: behavior.safetensors of `train behavior`."""
    subjects: tuple[str, ...] = ()
    """model: subjects that count; default: all."""
    mode: Literal["causal", "late", "offline"] = "causal"
    """gestures: a label rests on the past alone, on half a second more, or on the whole recording."""
    seeds: int = 3
    """Seeds of whatever is trained or drawn."""
    seed: int = 0
    """First of the seeds."""
    threads: int = 1
    """CPU threads."""
    output: Path = Path("output/eval-behavior")
    """Folder for the picture, where there is one."""
    json: OptionalFile = None
    """File for the result as JSON."""

    def __post_init__(self) -> None:
        if self.seeds < 1 or self.seed < 0 or self.threads < 1:
            raise InputError(
                "options",
                expected="--seeds and --threads of at least 1, --seed not below 0",
                got=f"{self.seeds}, {self.threads}, {self.seed}",
            )

    def run(self, console: Console) -> dict[str, Any]:
        """Measure, show, and draw."""
        import torch

        from graspmimic.behavior_scores import EVALUATIONS, Request
        from perception.figures import output_file

        torch.set_num_threads(self.threads)
        prepare_folder(self.output)
        with Progress(console=console, transient=True) as bars:
            bar = bars.add_task(self.what, total=1.0)
            request = Request(
                data=self.data,
                model=self.model,
                seeds=tuple(range(self.seed, self.seed + self.seeds)),
                mode=self.mode,
                subjects=self.subjects,
                tell=lambda share, doing: bars.update(bar, completed=share, description=f"{self.what}: {doing}"),
            )
            scores = EVALUATIONS[self.what](request)
        table = Table(self.what, "")
        for name, value in scores.results.items():
            table.add_row(name, f"{value:.4g}" if isinstance(value, float) else f"{value}")
        console.print(table)
        if scores.figure is not None:
            picture = self.output / f"{self.what}.png"
            with output_file(picture) as draft:
                scores.figure.savefig(draft, format="png")
            console.print(f"Picture: {picture}")
        return scores.results
