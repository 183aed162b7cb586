"""Whether the node `grasp_detector` keeps its memory over thousands of frames.

    python -m benchmarks.ros_detector_memory [--frames 10000] [--network] [--width 640] [--json FILE]

Run from the repository's root. Sends one depth image after the other, each when the grasps of the one before have come,
and reads the process's resident memory on the way; with markers and the scene's cloud listened to. The slope is that of
a straight line through the readings of the second half. Runs on a real ROS where there is one, else on the tests'
stand-in, whose messages go through the same bytes.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from geometry import PinholeCamera, look_at, transform
from perception.grasping import Grasps
from tests.ros_standin import install

READINGS = 50
BOX = (-0.15, -0.15, -0.01, 0.15, 0.15, 0.3)


def resident_mb() -> float:
    """Memory of this process that is in use, MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def block_scene(camera: PinholeCamera) -> np.ndarray:
    """Depth of a plate half a metre below the camera, with a block of 4 cm edge in its middle."""
    depth = np.full((camera.height, camera.width), 0.5, np.float32)
    half = round(0.02 / 0.46 * camera.fx)
    middle = (
        slice(camera.height // 2 - half, camera.height // 2 + half),
        slice(camera.width // 2 - half, camera.width // 2 + half),
    )
    depth[middle] = 0.46
    return depth


def cheap_planner(view: Any) -> Grasps:
    """Fifty grasps that depend on the image a little."""
    poses = np.stack([transform(np.diag([1.0, -1.0, -1.0]), (0.001 * i, 0.0, 0.02)) for i in range(50)])
    return Grasps(poses, np.full(50, 0.05), np.linspace(0.9, 0.1, 50) * float(view.depth_m[0, 0]))


def measure(frames: int, width: int, planner: Any) -> dict[str, Any]:
    """Run the node, and read the memory."""
    install()
    from geometry_msgs.msg import PoseArray
    from rclpy.parameter import Parameter
    from sensor_msgs.msg import PointCloud2
    from visualization_msgs.msg import MarkerArray

    from ros_nodes.grasp_detector.node import GraspDetectorNode
    from tests.ros_nodes.depth_camera import DepthCamera
    from tests.ros_nodes.session import RosSession

    height = width * 3 // 4
    camera = PinholeCamera(width=width, height=height, fx=0.94 * width, fy=0.94 * width, cx=width / 2, cy=height / 2)
    depth, ros = block_scene(camera), RosSession()
    counts = {PoseArray: 0, MarkerArray: 0, PointCloud2: 0, "found": 0}

    def count(message: Any) -> None:
        counts[type(message)] += 1
        if isinstance(message, PoseArray):
            counts["found"] += len(message.poses) > 0

    try:
        node = ros.start(
            GraspDetectorNode,
            planner=planner,
            parameter_overrides=[Parameter("workspace", value=list(BOX)), Parameter("max_wait_ms", value=0.0)],
        )
        for kind, topic in ((PoseArray, "grasps"), (MarkerArray, "markers"), (PointCloud2, "scene_cloud")):
            ros.probe.create_subscription(kind, f"/grasp_detector/{topic}", count, 10)
        eye = DepthCamera(ros, camera, look_at((0.0, 0.0, 0.5), (0.0, 0.0, 0.0), (0.0, 1.0, 0.0)))
        assert ros.wait_until(lambda: node.active and eye.is_heard(), 60.0)
        readings, start_s = [], time.perf_counter()
        for frame in range(frames):
            before = counts[PointCloud2]
            eye.send(depth)
            assert ros.wait_until(lambda before=before: counts[PointCloud2] > before, 30.0), "a frame got lost"
            if frame % max(1, frames // READINGS) == 0 or frame == frames - 1:
                gc.collect()
                readings.append((frame, resident_mb()))
        seconds = time.perf_counter() - start_s
    finally:
        ros.close()
    late = np.array(readings[len(readings) // 2 :])
    slope = float(np.polyfit(late[:, 0], late[:, 1], 1)[0])
    return {
        "frames": frames,
        "with_grasps": counts["found"],
        "markers": counts[MarkerArray],
        "seconds": round(seconds, 1),
        "real_ros": not ros.standin,
        "first_mb": round(readings[0][1], 1),
        "middle_mb": round(float(late[0, 1]), 1),
        "last_mb": round(readings[-1][1], 1),
        "slope_kb_per_1000_frames": round(1e6 * slope, 1),
        "readings_mb": [round(mb, 1) for _, mb in readings],
    }


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--frames", type=int, default=10000)
    options.add_argument("--width", type=int, default=640)
    options.add_argument("--network", action="store_true", help="the learned detector in place of a cheap planner")
    options.add_argument("--json", type=Path)
    given = options.parse_args()
    result = measure(given.frames, given.width, None if given.network else cheap_planner)
    text = json.dumps(result, indent=1)
    print(text)
    if given.json:
        given.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
