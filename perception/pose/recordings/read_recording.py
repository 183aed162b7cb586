"""Any recording by its file's kind."""

from __future__ import annotations

from pathlib import Path

from geometry import InputError
from perception.pose.recordings.asf_amc import CMU_RATE_HZ, read_amc
from perception.pose.recordings.bvh import read_bvh
from perception.pose.recordings.deeplabcut import read_deeplabcut
from perception.pose.recordings.handover_folder import is_handover_folder, read_handover
from perception.pose.recordings.keypoint_file import read_keypoint_file
from perception.pose.recordings.openpose import read_openpose
from perception.pose.recordings.recording import Recording

VIDEO_RATE_HZ = 30.0
"""Taken for keypoints of a video whose rate is not given."""


def read_recording(path: str | Path, *, rate_hz: float | None = None, asf: str | Path | None = None) -> Recording:
    """Recorded keypoints, whatever wrote them.

    | path | kind |
    |---|---|
    | `*.npz` | the project's own (`keypoint_file`) |
    | a folder with `baton_pose_saved.csv` | a hand-over of the KTH data set |
    | a folder, or one `*_keypoints.json` in it | OpenPose |
    | `*.csv` | DeepLabCut |
    | `*.bvh` | BVH, centimetres, y up |
    | `*.amc` | AMC, with an ASF beside it or `asf` |

    Args:
        path: the file or folder.
        rate_hz: frames a second, for the kinds that do not tell (OpenPose and DeepLabCut: 30, AMC: 120).
        asf: skeleton of an AMC file.

    Raises:
        InputError: if there is nothing, it is of no such kind, or it is damaged.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(str(path), expected="a recording of keypoints", got="no such file or folder")
    suffix = path.suffix.lower()
    if is_handover_folder(path):
        return read_handover(path)
    if path.is_dir() or path.name.endswith("_keypoints.json"):
        return read_openpose(
            path if path.is_dir() else path.parent, rate_hz=VIDEO_RATE_HZ if rate_hz is None else rate_hz
        )
    if suffix == ".npz":
        return read_keypoint_file(path)
    if suffix == ".csv":
        return read_deeplabcut(path, rate_hz=VIDEO_RATE_HZ if rate_hz is None else rate_hz)
    if suffix == ".bvh":
        return read_bvh(path)
    if suffix == ".amc":
        return read_amc(path, asf, rate_hz=CMU_RATE_HZ if rate_hz is None else rate_hz)
    raise InputError(
        str(path),
        expected="an npz, bvh, amc or DeepLabCut's csv file, or a folder of OpenPose's JSON",
        got=f"a file of kind {suffix or 'without a suffix'}",
        remedy="for arrays of another layout, see recording_of_arrays",
    )
