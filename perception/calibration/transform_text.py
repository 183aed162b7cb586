"""A calibrated pose as ROS wants it: a command to publish it, and the lines of a launch file's parameters."""

from __future__ import annotations

from geometry import FloatArray, to_pos_quat


def static_transform_command(T_parent_child: FloatArray, parent: str, child: str) -> str:
    """The `static_transform_publisher` of tf2_ros that publishes a pose (4, 4)."""
    (x, y, z), (qx, qy, qz, qw) = _numbers(T_parent_child)
    return (
        f"ros2 run tf2_ros static_transform_publisher --x {x} --y {y} --z {z} "
        f"--qx {qx} --qy {qy} --qz {qz} --qw {qw} --frame-id {parent} --child-frame-id {child}"
    )


def launch_yaml(T_parent_child: FloatArray, parent: str, child: str, *, comment: str) -> str:
    """The same as YAML for the launch files' camera; `comment` stands above it."""
    xyz, quat = _numbers(T_parent_child)
    return (
        f"# {comment}\n"
        "camera_transform:\n"
        f"  parent_frame: {parent}\n"
        f"  child_frame: {child}\n"
        f"  xyz_m: [{', '.join(xyz)}]\n"
        f"  quat_xyzw: [{', '.join(quat)}]\n"
    )


def _numbers(T: FloatArray) -> tuple[list[str], list[str]]:
    position, quat_xyzw = to_pos_quat(T)
    return [f"{value:.6f}" for value in position], [f"{value:.8f}" for value in quat_xyzw]
