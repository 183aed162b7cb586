"""What the node `grasp_detector` adds to the detector's own time, from the camera's message to the grasps' message.

    python -m benchmarks.ros_detector_latency [--frames 100] [--rate 30] [--mode continuous] [--together] [--json FILE]

Run from the repository's root. A 640 x 480 depth image of the clutter benchmark (16-bit millimetres, as a RealSense
sends it) comes at the camera's rate with its camera information; the learned detector searches it, on one thread. Added
is the time from before the image is published until the PoseArray is in a subscriber's hands, less the time inside the
detector for that very frame: two transports, reading, TF, waiting for the detector's thread, and publishing. With
--mode on_request each list of grasps is asked for by the service instead, and counts from the publication of the frame
that answered.

On a real ROS the node lives in a process of its own, as `ros2 run` starts it; camera, listener and caller are in this
one, and Fast DDS uses launch/fastdds.xml unless FASTRTPS_DEFAULT_PROFILES_FILE names another profile. With --together,
and on the tests' stand-in, which knows one process only, everything is in this one.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from envs.clutter import DIALECT_A, ClutterSimulation
from envs.objects import load_objects
from perception.grasping import Grasps
from tests.ros_standin import install

_WARM_UP = 5
_PROFILE = Path(__file__).parents[1] / "launch" / "fastdds.xml"


class TimedDetector:
    """The learned detector; keeps when each frame's search began and ended, seconds of `time.monotonic`."""

    def __init__(self) -> None:
        from perception.grasping.network.detector import GraspDetector

        self._detector = GraspDetector.from_pretrained()
        self.spans_s: list[tuple[float, float]] = []

    def __call__(self, view: Any) -> Grasps:
        """As any planner."""
        return self.detect_view(view)

    def detect_view(self, view: Any, **wishes: Any) -> Grasps:
        """As `GraspDetector.detect_view`."""
        start_s = time.monotonic()
        grasps = self._detector.detect_view(view, **wishes)
        self.spans_s.append((start_s, time.monotonic()))
        return grasps


class NodeHere:
    """The node among the others of a session."""

    def __init__(self, ros: Any, parameters: dict[str, Any]) -> None:
        from ros_nodes.grasp_detector.node import GraspDetectorNode

        self._detector = TimedDetector()
        ros.start(GraspDetectorNode, planner=self._detector, parameter_overrides=_overrides(parameters))

    def end(self) -> list[tuple[float, float]]:
        """When the detector was at work."""
        return self._detector.spans_s


class NodeInItsProcess:
    """The node as `ros2 run` starts it."""

    def __init__(self, ros: Any, parameters: dict[str, Any]) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._spans = Path(self._folder.name) / "spans.json"
        command = [sys.executable, "-m", "benchmarks.ros_detector_latency", "--node", json.dumps(parameters)]
        environment = {**os.environ, "ROS_DOMAIN_ID": str(ros.domain_id)}
        self._process = subprocess.Popen([*command, "--json", str(self._spans)], env=environment)

    def end(self) -> list[tuple[float, float]]:
        """End the node; when the detector was at work."""
        try:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(30.0)
            return [(start, end) for start, end in json.loads(self._spans.read_text())]
        finally:
            self._process.kill()
            self._folder.cleanup()


def run_node_alone(parameters: dict[str, Any], spans: Path) -> int:
    """The other process: the node until SIGINT; then write when its detector was at work."""
    import torch

    install()
    from ros_nodes.grasp_detector.node import GraspDetectorNode
    from ros_nodes.running import run_node

    torch.set_num_threads(1)
    detector = TimedDetector()
    status = run_node(lambda: GraspDetectorNode(planner=detector, parameter_overrides=_overrides(parameters)), args=[])
    spans.write_text(json.dumps(detector.spans_s))
    return status


class Run:
    """A camera that streams, who listens, and the times of messages by their stamps."""

    def __init__(self, mode: str, rate_hz: float, *, together: bool) -> None:
        from geometry_msgs.msg import PoseArray

        from tests.ros_nodes.depth_camera import DepthCamera
        from tests.ros_nodes.session import RosSession

        simulation = ClutterSimulation(DIALECT_A, load_objects("procedural"), "pile", np.random.default_rng(0))
        seen = simulation.observe()
        simulation.close()
        self.ros = RosSession()
        self.sent_s: dict[int, float] = {}
        self.came: list[tuple[int, float]] = []
        parameters = {
            "mode": mode,
            "workspace": [float(value) for value in seen.workspace.ravel()],
            "table_height_m": float(seen.table_z_m),
        }
        self.node = (NodeHere if together else NodeInItsProcess)(self.ros, parameters)
        if mode == "continuous":
            self.ros.probe.create_subscription(PoseArray, "/grasp_detector/grasps", self._take, 10)
        self.camera = DepthCamera(self.ros, seen.camera, seen.T_world_camera)
        assert self.ros.wait_until(self.camera.is_heard, 120.0)
        self._depth_m = seen.depth_m
        self._stop = threading.Event()
        self._streaming = threading.Thread(target=self._stream, args=(1.0 / rate_hz,))
        self._streaming.start()

    def close(self) -> list[tuple[float, float]]:
        """End everything; when the detector was at work."""
        self._stop.set()
        self._streaming.join()
        try:
            return self.node.end()
        finally:
            self.ros.close()

    def ask(self) -> None:
        """One request; its answer counts in place of the topic's message."""
        from moveit_msgs.srv import GraspPlanning

        answer = self.ros.call(GraspPlanning, "/grasp_detector/plan_grasps", timeout_s=30.0)
        came_s = time.monotonic()
        if answer.grasps:
            self.came.append((_nanoseconds(answer.grasps[0].grasp_pose.header.stamp), came_s))

    def _take(self, message: Any) -> None:
        self.came.append((_nanoseconds(message.header.stamp), time.monotonic()))

    def _stream(self, period_s: float) -> None:
        due_s = time.monotonic()
        while not self._stop.wait(max(0.0, due_s - time.monotonic())):
            due_s = max(due_s + period_s, time.monotonic())
            image, info = self.camera.messages(self._depth_m, millimetres=True)
            self.sent_s[_nanoseconds(image.header.stamp)] = time.monotonic()
            self.camera.publish(image, info)


def times_ms(
    sent_s: dict[int, float], came: list[tuple[int, float]], spans_s: list[tuple[float, float]]
) -> dict[str, np.ndarray]:
    """Milliseconds that each frame took: in the detector, beyond it, and both.

    Args:
        sent_s: when each frame was published, by its stamp.
        came: stamp of each list of grasps, and when it came.
        spans_s: begin and end of each search; a frame's is the last that ended before its grasps came.
    """
    ends_s = np.array([end for _, end in spans_s])
    rows = []
    for stamp, came_s in came:
        start_s, end_s = spans_s[int(np.searchsorted(ends_s, came_s)) - 1]
        assert sent_s[stamp] < start_s < end_s < came_s, "grasps came of a frame that was not searched"
        rows.append((came_s - sent_s[stamp], end_s - start_s))
    whole, detection = 1e3 * np.array(rows).T
    return {"added": whole - detection, "detection": detection, "whole": whole}


def measure(frames: int, mode: str, rate_hz: float, *, together: bool = False) -> dict[str, Any]:
    """Median and 95 % of what is added, of the detector's own time, and of both; milliseconds."""
    import torch

    os.environ.setdefault("FASTRTPS_DEFAULT_PROFILES_FILE", str(_PROFILE))
    together = install() or together
    torch.set_num_threads(1)
    run, spans_s = Run(mode, rate_hz, together=together), []
    try:
        while mode == "on_request" and len(run.came) < frames + _WARM_UP:
            run.ask()
        assert run.ros.wait_until(lambda: len(run.came) >= frames + _WARM_UP, 600.0)
    finally:
        spans_s = run.close()
    times = times_ms(run.sent_s, run.came[_WARM_UP : frames + _WARM_UP], spans_s)
    result: dict[str, Any] = {"mode": mode, "rate_hz": rate_hz, "frames": frames, "real_ros": not run.ros.standin}
    result |= {"together": together, "frames_sent": len(run.sent_s), "load": round(os.getloadavg()[0], 1)}
    for name, values in times.items():
        result[f"{name}_ms_p50"] = round(float(np.median(values)), 2)
        result[f"{name}_ms_p95"] = round(float(np.percentile(values, 95.0)), 2)
    return result


def _overrides(parameters: dict[str, Any]) -> list[Any]:
    from rclpy.parameter import Parameter

    return [Parameter(name, value=value) for name, value in parameters.items()]


def _nanoseconds(stamp: Any) -> int:
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)


def main() -> int:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--frames", type=int, default=100)
    options.add_argument("--rate", type=float, default=30.0)
    options.add_argument("--mode", choices=("continuous", "on_request"), default="continuous")
    options.add_argument("--together", action="store_true", help="everything in one process")
    options.add_argument("--json", type=Path)
    options.add_argument("--node", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.node:
        return run_node_alone(json.loads(given.node), given.json)
    text = json.dumps(measure(given.frames, given.mode, given.rate, together=given.together), indent=1)
    print(text)
    if given.json:
        given.json.write_text(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
