"""Acclaim motion capture: ASF holds the skeleton's bones, AMC their angles for each frame.

A bone's frame is turned against the file's by its axis C; its motion M turns about that frame's axes, so that its
rotation under its parent is C M C^-1, and its far end lies at length * direction, given in the file's frame.
Angles are applied about fixed axes in the order listed. Without the ASF, angles tell no place: `read_amc_angles`
gives them alone. Source: J. Lander, "Working with Motion Capture File Formats", Game Developer, 1998.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from geometry import FloatArray, InputError
from perception.pose.recordings.joint_tree import JointTree, euler_rotations
from perception.pose.recordings.recording import Recording
from perception.pose.recordings.text_file import read_text, to_numbers

CMU_RATE_HZ = 120.0
"""What most of CMU's recordings were captured at; AMC does not tell."""
_INCH_M = 0.0254


@dataclass(frozen=True, kw_only=True)
class _Bone:
    offset: FloatArray
    """(3,) from its near to its far end, the file's frame and unit."""
    axis: FloatArray
    """(3, 3) C, from the bone's frame to the file's."""
    dof: tuple[str, ...]
    """What its numbers in the AMC are: "rx", "tz", ..."""


@dataclass(frozen=True, kw_only=True)
class _Body:
    bones: dict[str, _Bone]
    parents: dict[str, str]
    unit_m: float
    degrees: bool


def read_amc(path: str | Path, asf: str | Path | None = None, *, rate_hz: float = CMU_RATE_HZ) -> Recording:
    """Places of the bones' far ends of an AMC file.

    Args:
        path: the AMC file.
        asf: its skeleton; none: the one ASF file beside it, or the one named like its beginning ("13.asf").
        rate_hz: frames a second, which the file does not tell.

    Returns:
        One person with id 0 in metres, world z up (an ASF is y up, its unit an inch over `:units length`); bones of
        CMU's skeleton under the project's names (`project_names`).

    Raises:
        InputError: if a file is damaged or cut off, bones do not match, or no ASF is found.
    """
    path = Path(path)
    skeleton = Path(asf) if asf is not None else _asf_beside(path)
    body, angles = _read_asf(skeleton), read_amc_angles(path)
    for bone, values in angles.items():
        wanted = len(body.bones[bone].dof) if bone in body.bones else None
        if values.shape[1] != wanted:
            expected = f"{wanted} numbers for {bone}" if wanted is not None else f"bones of {skeleton.name}"
            raise InputError(str(path), expected=expected, got=f"{bone} with {values.shape[1]}")
    names = tuple(body.parents)
    tree = JointTree(
        names=names, parents=tuple(names.index(body.parents[name]) if body.parents[name] else -1 for name in names)
    )
    frames = len(next(iter(angles.values())))
    # A bone's far end moves with the bone's own rotation, a joint of a tree with its parent's: turn offsets forward.
    offsets, rotations = np.empty((frames, len(names), 3)), np.empty((frames, len(names), 3, 3))
    for row, name in enumerate(names):
        shift, rotations[:, row] = _motion(body.bones[name], angles.get(name), frames, degrees=body.degrees)
        moved = (rotations[:, row] @ body.bones[name].offset[:, None])[..., 0]
        offsets[:, row] = shift + (body.bones[name].offset if tree.parents[row] < 0 else moved)
    return tree.recording("asf", tree.places(offsets, rotations), unit_m=body.unit_m, y_up=True, rate_hz=rate_hz)


def read_amc_angles(path: str | Path) -> dict[str, FloatArray]:
    """The numbers of each bone of an AMC file, (T, n) as they stand there: degrees, the root's place first.

    Raises:
        InputError: if the file is damaged or a frame lacks a bone, as at a cut-off end.
    """
    path = Path(path)
    frames: list[dict[str, list[float]]] = []
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        words = line.split()
        if not words or words[0].startswith(("#", ":")):
            continue
        if len(words) == 1 and words[0].isdigit():
            frames.append({})
        elif not frames:
            raise InputError(f"{path}:{number}", expected="a frame's number before its bones", got=repr(line[:40]))
        else:
            frames[-1][words[0]] = to_numbers(words[1:], f"{path}:{number}")
    if not frames or not frames[0]:
        raise InputError(str(path), expected="an AMC file: a number, then a line for each bone", got="no frames")
    for number, frame in enumerate(frames):
        if [(bone, len(values)) for bone, values in frame.items()] != [(b, len(v)) for b, v in frames[0].items()]:
            raise InputError(
                str(path), expected="the same bones in every frame", got=f"others in frame {number}",
                remedy="is the file cut off?",
            )  # fmt: skip
    return {bone: np.array([frame[bone] for frame in frames]) for bone in frames[0]}


def _asf_beside(path: Path) -> Path:
    found = sorted(path.parent.glob("*.asf"))
    named = [file for file in found if path.stem.startswith(file.stem)]
    if len(named or found) != 1:
        raise InputError(
            str(path),
            expected="one ASF file beside it, which holds the bones",
            got=f"{len(named or found)}",
            remedy="name it with asf=FILE; angles alone are read by read_amc_angles",
        )
    return (named or found)[0]


def _motion(bone: _Bone, values: FloatArray | None, frames: int, *, degrees: bool) -> tuple[FloatArray, FloatArray]:
    """Shift (T, 3) and rotation C M C^-1 (T, 3, 3) of a bone under its parent."""
    shift, given = np.zeros((frames, 3)), np.zeros((frames, len(bone.dof))) if values is None else values
    for column, name in enumerate(bone.dof):
        if name[0] == "t":
            shift[:, "xyz".index(name[1])] = given[:, column]
    turns = [column for column, name in enumerate(bone.dof) if name[0] == "r"][::-1]
    turned = euler_rotations("".join(bone.dof[column][1] for column in turns), given[:, turns], degrees=degrees)
    return shift, bone.axis @ turned @ bone.axis.T


def _read_asf(path: Path) -> _Body:
    where = str(path)
    sections = _sections(read_text(path), where)
    units = {line[0].lower(): line[1] for line in sections["units"] if len(line) > 1}
    degrees = not units.get("angle", "deg").lower().startswith("rad")
    length = to_numbers([units.get("length", "1")], f"{where}: units")[0]
    root = {line[0].lower(): line[1:] for line in sections["root"]}
    bones = {"root": _bone(root | {"dof": root.get("order", [])}, where, degrees=degrees)}
    fields: dict[str, list[str]] = {}
    for line in sections["bonedata"]:
        if line[0] == "begin":
            fields = {}
        elif line[0] == "end":
            name = "".join(fields.get("name", []))
            bones[name] = _bone(fields, f"{where}: {name}", degrees=degrees)
        else:
            fields[line[0].lower()] = line[1:]
    parents = {"root": ""}
    for line in sections["hierarchy"]:
        if line[0] not in ("begin", "end"):
            lost = [name for name in line if name not in bones] + [name for name in line[:1] if name not in parents]
            if lost:
                raise InputError(f"{where}: hierarchy", expected="its bones, parents first", got=f"{lost[0]!r}")
            parents |= {child: line[0] for child in line[1:]}
    if not length > 0.0:
        raise InputError(f"{where}: units", expected="a length above 0", got=f"{length}")
    return _Body(bones=bones, parents=parents, unit_m=_INCH_M / length, degrees=degrees)


def _sections(text: str, where: str) -> dict[str, list[list[str]]]:
    sections: dict[str, list[list[str]]] = {}
    lines: list[list[str]] = []
    for words in (line.split() for line in text.splitlines()):
        if words and words[0].startswith(":"):
            lines = sections.setdefault(words[0][1:].lower(), [])
        elif words and not words[0].startswith("#"):
            lines.append(words)
    missing = {"units", "root", "bonedata", "hierarchy"} - sections.keys()
    if missing:
        raise InputError(where, expected="an ASF skeleton", got=f"no {', '.join(sorted(missing))}")
    return sections


def _bone(fields: dict[str, list[str]], where: str, *, degrees: bool) -> _Bone:
    direction = to_numbers(fields.get("direction", fields.get("position", [])), where)
    length = to_numbers(fields.get("length", ["1"]), where)
    axis = fields.get("axis", ["0", "0", "0", "XYZ"])
    angles = to_numbers(fields["orientation"], where) if "orientation" in fields else to_numbers(axis[:-1], where)
    order = axis[-1].lower()
    dof = tuple(word.lower() for word in fields.get("dof", []))
    good = len(direction) == len(angles) == len(order) == 3 and set(order) == set("xyz") and len(length) == 1
    if not good or any(len(name) != 2 or name[0] not in "tr" or name[1] not in "xyz" for name in dof):
        raise InputError(where, expected="direction, length, axis and dof of a bone", got="others")
    turn = euler_rotations(order[::-1], np.array([angles[::-1]]), degrees=degrees)[0]
    return _Bone(offset=length[0] * np.array(direction), axis=turn, dof=dof)
