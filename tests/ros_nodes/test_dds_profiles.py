"""The profiles for large messages: well-formed, and with that of Fast DDS images come whole from another process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.ros_standin import installed

LAUNCH = Path(__file__).resolve().parents[2] / "launch"
SENT, AT_LEAST = 60, 54
BOTH_ENDS = f"""
import os, sys, time, rclpy
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image
rclpy.init()
node, came, image = rclpy.create_node(sys.argv[1]), [], Image(data=bytes(614400))
if sys.argv[1] == "camera":
    publisher = node.create_publisher(Image, "image", qos_profile_sensor_data)
    while publisher.get_subscription_count() == 0:
        time.sleep(0.05)
    time.sleep(0.5)
    for _ in range({SENT}):
        publisher.publish(image)
        time.sleep(1 / 30)
    time.sleep(1.0)
else:
    node.create_subscription(Image, "image", lambda message: came.append(len(message.data)), qos_profile_sensor_data)
    camera = __import__("subprocess").Popen([sys.executable, *sys.orig_argv[1:-1], "camera"])
    while camera.poll() is None:
        rclpy.spin_once(node, timeout_sec=0.1)
    print(came.count(614400))
node.destroy_node()
rclpy.shutdown()
"""


@pytest.mark.parametrize("name", ["cyclonedds.xml", "fastdds.xml"])
def test_a_profile_is_well_formed_and_says_how_it_is_used(name: str) -> None:
    path = LAUNCH / name
    assert len(ElementTree.parse(path).getroot())
    assert f"/share/graspmimic/launch/{name}" in path.read_text()


@pytest.mark.slow
@pytest.mark.skipif(installed(), reason="only a real ROS goes over a network")
def test_images_of_another_process_arrive_under_fast_dds() -> None:
    from rclpy.utilities import get_rmw_implementation_identifier

    if get_rmw_implementation_identifier() != "rmw_fastrtps_cpp":
        pytest.skip("a profile of Fast DDS alone")
    environment = {**os.environ, "FASTRTPS_DEFAULT_PROFILES_FILE": str(LAUNCH / "fastdds.xml"), "ROS_DOMAIN_ID": "101"}
    done = subprocess.run(
        [sys.executable, "-c", BOTH_ENDS, "listener"], env=environment, capture_output=True, text=True, timeout=120.0
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= AT_LEAST, f"{done.stdout.strip()} of {SENT} images of 0.6 MB arrived"
