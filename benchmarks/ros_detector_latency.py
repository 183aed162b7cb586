"""What the node `grasp_detector` adds to the detector's own time, from the camera's message to the grasps' message.

    python -m benchmarks.ros_detector_latency [--frames 100] [--rate 30] [--mode continuous] [--json FILE]

Run from the repository's root. A 640 x 480 depth image of the clutter benchmark (16-bit millimetres, as a RealSense
sends it) comes at the camera's rate with its camera information; the learned detector searches it, on one thread. Added
is the time from before the image is published until the PoseArray is in a subscriber's hands, less the time inside the
detector for that very frame: two transports, reading, TF, waiting for the detector's thread, and publishing. With
--mode on_request each list of grasps is asked for by the service instead, and counts from the publication of the frame
that answered. Runs on a real ROS where there is one, else on the tests' stand-in, all in one process.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from envs.clutter import DIALECT_A, ClutterSimulation
from envs.objects import load_objects
from perception.grasping import Grasps
from perception.grasping.network.detector import GraspDetector
from tests.ros_standin import install


class TimedDetector:
    """The learned detector; keeps how long each frame took, seconds, in order."""

    def __init__(self) -> None:
        self._detector = GraspDetector.from_pretrained()
        self.took_s: list[float] = []

    def __call__(self, view: Any) -> Grasps:
        """As any planner."""
        return self.detect_view(view)

    def detect_view(self, view: Any, **wishes: Any) -> Grasps:
        """As `GraspDetector.detect_view`."""
        start_s = time.perf_counter()
        grasps = self._detector.detect_view(view, **wishes)
        self.took_s.append(time.perf_counter() - start_s)
        return grasps


class Run:
    """The node, a camera that streams, and the times of messages by their stamps."""

    def __init__(self, mode: str, rate_hz: float) -> None:
        from geometry_msgs.msg import PoseArray
        from rclpy.parameter import Parameter

        from ros_nodes.grasp_detector.node import GraspDetectorNode
        from tests.ros_nodes.depth_camera import DepthCamera
        from tests.ros_nodes.session import RosSession

        simulation = ClutterSimulation(DIALECT_A, load_objects("procedural"), "pile", np.random.default_rng(0))
        self._seen = simulation.observe()
        simulation.close()
        self.detector, self.ros = TimedDetector(), RosSession()
        self.sent_s: dict[int, float] = {}
        self.came: list[tuple[int, float]] = []
        parameters = {
            "mode": mode,
            "workspace": [float(value) for value in self._seen.workspace.ravel()],
            "table_height_m": float(self._seen.table_z_m),
        }
        overrides = [Parameter(name, value=value) for name, value in parameters.items()]
        node = self.ros.start(GraspDetectorNode, planner=self.detector, parameter_overrides=overrides)
        self.ros.probe.create_subscription(PoseArray, "/grasp_detector/grasps", self._take, 10)
        self.camera = DepthCamera(self.ros, self._seen.camera, self._seen.T_world_camera)
        assert self.ros.wait_until(lambda: node.active and self.camera.is_heard(), 60.0)
        self._stop = threading.Event()
        self._streaming = threading.Thread(target=self._stream, args=(1.0 / rate_hz,))
        self._streaming.start()

    def close(self) -> None:
        """End everything."""
        self._stop.set()
        self._streaming.join()
        self.ros.close()

    def ask(self) -> None:
        """One request; its answer counts in place of the topic's message."""
        from moveit_msgs.srv import GraspPlanning

        answer = self.ros.call(GraspPlanning, "/grasp_detector/plan_grasps", timeout_s=30.0)
        stamp = answer.grasps[0].grasp_pose.header.stamp
        self.came.append((stamp.sec * 1_000_000_000 + stamp.nanosec, time.perf_counter()))

    def _take(self, message: Any) -> None:
        stamp = message.header.stamp
        self.came.append((stamp.sec * 1_000_000_000 + stamp.nanosec, time.perf_counter()))

    def _stream(self, period_s: float) -> None:
        while not self._stop.wait(period_s):
            start_s = time.perf_counter()
            stamp = self.camera.send(self._seen.depth_m, millimetres=True)
            self.sent_s[stamp.sec * 1_000_000_000 + stamp.nanosec] = start_s


def measure(frames: int, mode: str, rate_hz: float) -> dict[str, Any]:
    """Median and 95 % of what is added, of the detector's own time, and of both; milliseconds."""
    import torch

    install()
    torch.set_num_threads(1)
    run = Run(mode, rate_hz)
    try:
        if mode == "on_request":
            for _ in range(frames):
                asked = len(run.came)
                run.ask()
                run.came[asked:] = [run.came[-1]]
        assert run.ros.wait_until(lambda: len(run.came) >= frames, 600.0)
    finally:
        run.close()
    count = min(len(run.came), len(run.detector.took_s))
    detection = 1e3 * np.array(run.detector.took_s[:count])
    whole = 1e3 * np.array([came_s - run.sent_s[stamp] for stamp, came_s in run.came[:count]])
    warm = slice(min(3, count - 1), None)
    result: dict[str, Any] = {"mode": mode, "rate_hz": rate_hz, "frames": count, "real_ros": not run.ros.standin}
    for name, values in (("added", whole - detection), ("detection", detection), ("whole", whole)):
        result[f"{name}_ms_p50"] = round(float(np.median(values[warm])), 2)
        result[f"{name}_ms_p95"] = round(float(np.percentile(values[warm], 95.0)), 2)
    return result


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--frames", type=int, default=100)
    options.add_argument("--rate", type=float, default=30.0)
    options.add_argument("--mode", choices=("continuous", "on_request"), default="continuous")
    options.add_argument("--json", type=Path)
    given = options.parse_args()
    text = json.dumps(measure(given.frames, given.mode, given.rate), indent=1)
    print(text)
    if given.json:
        given.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
