"""BVH motion capture: a hierarchy of joints with offsets, and channels for each frame.

A joint's rotation is the product of its channels' in their order; the root's place is its offset plus its position
channels (Biovision's description), while position channels of another joint stand for its offset, as the
programs that write them mean it. Source: M. Meredith, S. Maddock, "Motion Capture File Formats Explained", 2001.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from geometry import FloatArray, InputError
from perception.pose.recordings.joint_tree import JointTree, euler_rotations
from perception.pose.recordings.recording import Recording
from perception.pose.recordings.text_file import read_text, to_numbers


@dataclass(kw_only=True)
class _Hierarchy:
    names: list[str] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    offsets: list[list[float]] = field(default_factory=list)
    channels: list[list[str]] = field(default_factory=list)


def read_bvh(path: str | Path, *, unit_m: float = 0.01, y_up: bool = True) -> Recording:
    """Joints' places of a BVH file.

    Args:
        path: the file.
        unit_m: length of the file's unit, which it does not tell; centimetres are usual.
        y_up: whether the file's y axis points up, which is usual; else z.

    Returns:
        One person with id 0 in metres, world z up; joints under the project's names where it has one
        (`project_names`), end sites as `<joint>_end`.

    Raises:
        InputError: if the file is damaged, cut off, or holds numbers that are not finite.
    """
    path = Path(path)
    head, found, motion = read_text(path).partition("MOTION")
    if not found:
        raise InputError(
            str(path), expected="a BVH file with HIERARCHY and MOTION", got="none", remedy="is it cut off?"
        )
    tree = _hierarchy(head, str(path))
    values, step_s = _motion(motion, sum(map(len, tree.channels)), path)
    joints = JointTree(names=tuple(tree.names), parents=tuple(tree.parents))
    places = joints.places(*_local(tree, values))
    return joints.recording("bvh", places, unit_m=unit_m, y_up=y_up, rate_hz=1.0 / step_s)


def _hierarchy(text: str, where: str) -> _Hierarchy:
    words = iter(text.split())
    tree, chain = _Hierarchy(), [-1]
    opened = -1
    for word in words:
        kind = word.upper()
        if kind in ("ROOT", "JOINT", "END"):
            name = _next(words, where)
            opened = len(tree.names)
            tree.names.append(f"{tree.names[chain[-1]]}_end" if kind == "END" and chain[-1] >= 0 else name)
            tree.parents.append(chain[-1])
            tree.offsets.append([0.0, 0.0, 0.0])
            tree.channels.append([])
        elif kind == "{":
            chain.append(opened)
        elif kind == "}" and len(chain) > 1:
            chain.pop()
        elif kind == "OFFSET" and opened >= 0:
            tree.offsets[opened] = to_numbers((_next(words, where) for _ in range(3)), f"{where}: OFFSET")
        elif kind == "CHANNELS" and opened >= 0:
            count = int(to_numbers([_next(words, where)], f"{where}: CHANNELS")[0])
            tree.channels[opened] = [_channel(_next(words, where), where) for _ in range(count)]
        elif kind != "HIERARCHY":
            raise InputError(where, expected="ROOT, JOINT, End Site, OFFSET, CHANNELS or brackets", got=repr(word[:40]))
    if len(chain) != 1 or tree.parents.count(-1) != 1:
        raise InputError(where, expected="one ROOT and closed brackets", got="another hierarchy")
    return tree


def _next(words: Iterator[str], where: str) -> str:
    word = next(words, None)
    if word is None:
        raise InputError(where, expected="more of the hierarchy", got="its end", remedy="is the file cut off?")
    return word


def _channel(word: str, where: str) -> str:
    """Axis and kind: xp for Xposition, zr for Zrotation."""
    axis, kind = word[:1].lower(), word[1:].lower()
    if axis not in "xyz" or kind not in ("position", "rotation"):
        raise InputError(where, expected="channels such as Xposition or Zrotation", got=repr(word[:40]))
    return axis + kind[0]


def _motion(text: str, channels: int, path: Path) -> tuple[FloatArray, float]:
    lines = [line.split() for line in text.splitlines() if line.strip()]
    heads = [" ".join(line[: 2 if line[0].lower() == "frame" else 1]).lower() for line in lines[:2]]
    if heads != ["frames:", "frame time:"]:
        raise InputError(str(path), expected='"Frames:" and "Frame Time:" below MOTION', got=f"{heads}")
    count, step_s = (to_numbers([line[-1]], f"{path}: {head}")[0] for line, head in zip(lines, heads, strict=False))
    rows = [to_numbers(line, f"{path}: frame {number}") for number, line in enumerate(lines[2:])]
    widths = {len(row) for row in rows}
    if len(rows) != count or not rows or widths != {channels} or not step_s > 0.0:
        raise InputError(
            str(path),
            expected=f"{count:g} frames of {channels} numbers and a frame time above 0",
            got=f"{len(rows)} frames of {' or '.join(map(str, sorted(widths))) or 0} numbers every {step_s:g} s",
            remedy="is the file cut off?",
        )
    return np.array(rows), step_s


def _local(tree: _Hierarchy, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Offsets (T, J, 3) and rotations (T, J, 3, 3) of each joint in its parent's frame."""
    offsets = np.tile(np.array(tree.offsets), (len(values), 1, 1))
    rotations = np.empty((*offsets.shape[:2], 3, 3))
    first = 0
    for joint, channels in enumerate(tree.channels):
        own = values[:, first : first + len(channels)]
        first += len(channels)
        for column, channel in enumerate(channels):
            if channel[1] == "p":
                base = tree.offsets[joint]["xyz".index(channel[0])] if tree.parents[joint] < 0 else 0.0
                offsets[:, joint, "xyz".index(channel[0])] = base + own[:, column]
        turns = [column for column, channel in enumerate(channels) if channel[1] == "r"]
        order = "".join(channels[column][0] for column in turns)
        rotations[:, joint] = euler_rotations(order, own[:, turns], degrees=True)
    return offsets, rotations
