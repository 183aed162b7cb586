"""`graspmimic calibrate`: where a camera is, on the gripper or beside the robot, from recorded samples."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
import tyro
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from geometry import FloatArray, InputError, invert, to_pos_quat
from graspmimic.options import OptionalFile
from graspmimic.report import prepare_folder

if TYPE_CHECKING:
    from perception.calibration import Calibration, SampleFrames

OptionalSetup = Annotated[
    Literal["eye-in-hand", "eye-to-hand"] | None,
    tyro.conf.arg(metavar="{eye-in-hand,eye-to-hand}", help_behavior_hint=""),
]
OptionalPose = Annotated[
    tuple[float, float, float, float, float, float, float] | None,
    tyro.conf.arg(metavar="X Y Z QX QY QZ QW", help_behavior_hint=""),
]


@dataclass(frozen=True, kw_only=True)
class Calibrate:
    """Find where a camera is, from recorded poses of the gripper and of a board that the camera sees.

    SAMPLES is a JSON, YAML or npz file: for each standstill of the robot `T_base_gripper`, and `T_camera_board` or the
    `image` of a chessboard or ChArUco board; or `point_camera` and `point_base` of the gripper's tip (docs/ros2.md).
    Record 15 or more with the gripper turned by 20 to 40 degrees about two axes. Needs OpenCV 4:
    `pip install 'graspmimic[calibrate]'`.
    """

    samples: Annotated[Path, tyro.conf.Positional]
    """File of samples."""
    setup: OptionalSetup = None
    """Camera on the gripper, or beside the robot; default: as the file says."""
    keep_outliers: bool = False
    """Use all samples, also those that do not agree with the others."""
    parent_frame: str = ""
    """TF frame of the gripper or the base in T_base_gripper; default: as the file says, else panda_hand or
    panda_link0."""
    camera_frame: str = ""
    """TF frame of the images, x right, y down, z forward; default: as the file says, else
    camera_color_optical_frame."""
    root_frame: str = ""
    """Frame at the root of the camera driver's own tree, for --root-to-camera; default: as the file says, else
    camera_link."""
    root_to_camera: OptionalPose = None
    """Pose of the camera frame in the root frame (`ros2 run tf2_ros tf2_echo camera_link camera_color_optical_frame`):
    the result is then written for the root, as a driver with frames of its own needs it."""
    seed: int = 0
    """Nothing is drawn; it stands in the result as in those of all commands."""
    output: Path = Path("output/calibrate")
    """Folder for calibration.json, calibration.yaml and calibration.png."""
    json: OptionalFile = None
    """File for the result as JSON."""

    def __post_init__(self) -> None:
        if self.root_to_camera is not None and abs(np.linalg.norm(self.root_to_camera[3:]) - 1.0) > 0.02:
            got = f"{self.root_to_camera[3:]}"
            raise InputError("--root-to-camera", expected="x y z in metres, then a unit quaternion x y z w", got=got)

    def run(self, console: Console) -> dict[str, Any]:
        """Calibrate, and write what was found."""
        from perception.calibration import PoseSamples, calibrate_from_tips, calibrate_hand_eye, read_samples

        prepare_folder(self.output)
        read = read_samples(self.samples, setup=self.setup)
        for line in read.skipped:
            console.print(f"[yellow]skipped[/] {escape(line)}")
        if isinstance(read.samples, PoseSamples):
            found = calibrate_hand_eye(read.samples, keep_outliers=self.keep_outliers)
        else:
            found = calibrate_from_tips(read.samples, keep_outliers=self.keep_outliers)
        _show(console, found)
        results = {**_results(found), "skipped": len(read.skipped), "corner_rms_px": read.corner_rms_px}
        command = self._write(found, read.frames)
        console.print(f"\n{escape(command)}\n", soft_wrap=True)
        console.print(f"{escape(str(self.output))}: calibration.json, calibration.yaml, calibration.png")
        return {**results, "static_transform": command}

    def _write(self, found: Calibration, frames: SampleFrames) -> str:
        """Write the files; the command that publishes the pose."""
        from perception.calibration import (
            calibration_figure,
            launch_yaml,
            save_calibration,
            static_transform_command,
        )
        from perception.figures import output_file

        if found.parent == "gripper":
            parent = self.parent_frame or frames.gripper or "panda_hand"
        else:
            parent = self.parent_frame or frames.base or "panda_link0"
        T_root_camera = frames.T_root_camera if self.root_to_camera is None else _pose(self.root_to_camera)
        T_parent_child = found.T_parent_camera
        child = self.camera_frame or frames.camera or "camera_color_optical_frame"
        if T_root_camera is not None:
            T_parent_child, child = (
                T_parent_child @ invert(T_root_camera),
                self.root_frame or frames.root or "camera_link",
            )
        command = static_transform_command(T_parent_child, parent, child)
        comment = f"{found.setup}, {len(found.names) - len(found.outliers)} samples, rms {found.rms_mm:.2f} mm"
        with output_file(self.output / "calibration.yaml") as draft:
            draft.write_text(launch_yaml(T_parent_child, parent, child, comment=comment), encoding="utf-8")
        with output_file(self.output / "calibration.json") as draft:
            save_calibration(draft, found, T_parent_child=T_parent_child, parent_frame=parent, child_frame=child)
        title = f"{found.setup}: camera in the {found.parent}'s frame, {comment.split(', ', 1)[1]}"
        with output_file(self.output / "calibration.png") as draft:
            calibration_figure(found, title=title).savefig(draft, format="png")
        return command


def _pose(numbers: tuple[float, ...]) -> FloatArray:
    from geometry import from_pos_quat

    return from_pos_quat(numbers[:3], numbers[3:])


def _results(found: Calibration) -> dict[str, Any]:
    position, quat = to_pos_quat(found.T_parent_camera)
    solvers = {f"{name}_mm": mm for name, _, mm, _ in found.solvers}
    solvers |= {f"{name}_deg": deg for name, _, _, deg in found.solvers}
    return {
        "setup": found.setup,
        "used": len(found.names) - len(found.outliers),
        "outliers": found.outliers,
        "xyz_m": position,
        "quat_xyzw": quat,
        "rms_mm": found.rms_mm,
        "rms_deg": found.rms_deg,
        "spread_mm": float(np.linalg.norm(found.spread_mm)),
        "spread_deg": float(np.linalg.norm(found.spread_deg)),
        "advice": list(found.advice),
        **solvers,
    }


def _show(console: Console, found: Calibration) -> None:
    if found.solvers:
        table = Table("solver", "rms, mm", "rms, degrees")
        for name, T, mm, deg in found.solvers:
            table.add_row(name, f"{mm:.2f}" if T is not None else "failed", f"{deg:.3f}" if T is not None else "")
        refined = "refined, without outliers" if found.outliers else "refined"
        table.add_row(refined, f"{found.rms_mm:.2f}", f"{found.rms_deg:.3f}")
        console.print(table)
    samples = Table("sample", "mm", "degrees", "")
    for name, mm, deg, out in zip(found.names, found.residual_mm, found.residual_deg, found.is_outlier, strict=True):
        degrees = f"{deg:.3f}" if np.isfinite(deg) else ""
        samples.add_row(escape(name), f"{mm:.2f}", degrees, "[red]left out[/]" if out else "")
    console.print(samples)
    position, _ = to_pos_quat(found.T_parent_camera)
    place = ", ".join(f"{value:.4f}" for value in position.tolist())
    spread_mm, spread_deg = float(np.linalg.norm(found.spread_mm)), float(np.linalg.norm(found.spread_deg))
    sure = f", give or take {spread_mm:.2f} mm and {spread_deg:.3f} degrees" if np.isfinite(spread_mm) else ""
    console.print(f"camera at ({place}) m in the {found.parent}'s frame{sure}")
    for line in found.advice:
        console.print(f"[yellow]{escape(line)}[/]")
