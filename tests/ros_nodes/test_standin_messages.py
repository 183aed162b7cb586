"""The stand-in's messages: CDR bytes written by hand, type hashes of a real ROS, rosidl's strictness."""

from __future__ import annotations

import array
import copy
import importlib
import os
import re
import struct
import time

import numpy as np
import pytest

pytest.importorskip("rosbags")

from tests.ros_standin import installed
from tests.ros_standin.messages import deserialize, message_modules, serialize, type_hash, type_name

MODULES = message_modules()
HEADER = b"\x00\x01\x00\x00"
HASHES = """
geometry_msgs/msg/TransformStamped 0a241f87d04668d94099cbb5ba11691d5ad32c2f29682e4eb5653424bd275206
visualization_msgs/msg/Marker 45b13ccf791f225962bf74e746f9644518855d783a6f42ba0cc14fde2b4f3ce0
rcl_interfaces/srv/ListParameters_Request a1b0b5d6b967a5b8ac5bc8563c3ea678f349e312a6a4967227c5a96bc5ce38df
action_msgs/srv/CancelGoal_Response 35e682cf3f510e83c70a82a4aac888496dedee56773bf9d8e5e0aa81f9e1c960
lifecycle_msgs/srv/GetAvailableTransitions_Response 4711339461aadf02bcfff797a198de911f885074bd3f2fe9f7b677ef87f0741c
control_msgs/msg/JointTolerance c254f9cece0f3b733017b6990fd46d1326e25242d6b8844398c97d9a88e7d648
control_msgs/msg/JointComponentTolerance 739ea7566931944d33830fa10f1bf5e7a7fbdc3172bce7a7eaac642bd6e3ffa4
control_msgs/msg/GripperCommand 57eb8f326c9889ca8bb34ead82cc94cc09bf6bc5c3b6c09546dca3a00b589890
control_msgs/msg/JointTrajectoryControllerState 6cb9ac0858fc11b54bd6c0a46f032ea243c16856182276d8eb0875f6ce6a8335
vision_msgs/msg/Detection2DArray 214274120007f4a683866481336b70310268cfa107aebe9d594a6acf75bda968
vision_msgs/msg/Detection3DArray 793f5eab9595ac1c0da07873cc859db42eae51f0ee76056db8562515d830e018
vision_msgs/msg/Classification f74db28d0eaef3afb78f48bf2161cd709a1383a0309d3454383b25be11345143
vision_msgs/msg/LabelInfo 3d37df4015cdf660cc851c51897f2acd957e1ca6205ba0a99aebffb9406b0783
vision_msgs/msg/VisionInfo 95d3116a17484ad91c9a2686e1d54890bbfc3ff6c6a2de137738c4950d45d284
octomap_msgs/msg/OctomapWithPose e65f8760aa96a2acef86b6d206175cfc78420082b6159dd3fa6ebf93f5f81979
moveit_msgs/msg/MoveItErrorCodes dcda8a9950cf6dd6ac221c2c0d2509f52f136afa0403dd19beacdf07e83e4a07
moveit_msgs/msg/Grasp 5369669de88fe85f7bca5dc948d70fe6e86fe93c531d590ecbcd9c21385aa593
moveit_msgs/msg/PlanningScene 0f58540ad5eab4b9ea827d53b763c793d8cabd202b3b301fcee25afa4ce1bd80
moveit_msgs/msg/MotionPlanRequest f82ed20da5f8f93146999c1a3cfe34b56b97fc10333b40cac69782a1210888d7
moveit_msgs/msg/MotionPlanResponse bc0dc15c0462edc942dc45dc689cd1a1b1a64c1412002a2e8d210eff2477d62a
moveit_msgs/srv/GraspPlanning_Request 3c0c610c8d2369bc95caf7fd4a2dc4f43dbc83c39f1e5dfc0b0885de56f58885
moveit_msgs/srv/GraspPlanning_Response 9eaf3e82801852e9508006aec607de77c9f6f5defbe8f9e89f254080117ee1c3
"""
"""Hashes as rosidl's own generator wrote them: equal ones mean the same fields and types, all the way down."""
ADDED_WITHIN_JAZZY = {"JointTrajectoryControllerState": ("speed_scaling_factor",)}
OWN_MODULES = (
    "control_msgs.msg",
    "control_msgs.action",
    "vision_msgs.msg",
    "moveit_msgs.msg",
    "moveit_msgs.srv",
    "moveit_msgs.action",
    "std_srvs.srv",
    "geometry_msgs.msg",
    "sensor_msgs.msg",
    "trajectory_msgs.msg",
    "visualization_msgs.msg",
    "diagnostic_msgs.msg",
)


def message(package: str, name: str, kind: str = "msg"):
    return getattr(MODULES[f"{package}.{kind}"], name)


def every_structure():
    """Each class that has fields: messages, requests, responses, and the parts and wrappers of actions."""
    for dotted, module in MODULES.items():
        for interface in [value for name, value in vars(module).items() if dotted.count(".") and name[0].isupper()]:
            holders = [interface]
            if dotted.endswith(".action"):
                wrappers = interface.Impl
                holders += [wrappers, wrappers.SendGoalService, wrappers.GetResultService]
            for holder in holders:
                parts = [value for value in vars(holder).values() if hasattr(value, "get_fields_and_field_types")]
                yield from [holder] if hasattr(holder, "get_fields_and_field_types") else parts


def part(name: str):
    """The class of a full name, with "_Request" and the like for the parts of a service."""
    package, kind, short = name.split("/")
    short, _, piece = short.partition("_")
    found = message(package, short, kind)
    return getattr(found, piece) if piece else found


@pytest.mark.parametrize("line", HASHES.split("\n")[1:-1], ids=lambda line: line.split()[0])
def test_definitions_hash_as_on_a_real_ros(line):
    name, expected = line.split()
    assert type_hash(part(name)) == f"RIHS01_{expected}"


@pytest.mark.skipif(installed() or os.environ.get("ROS_DISTRO") != "jazzy", reason="needs ROS 2 Jazzy")
@pytest.mark.parametrize("dotted", OWN_MODULES)
def test_definitions_agree_with_jazzy(dotted):
    pytest.importorskip(dotted)
    kinds = [kind for kind in every_structure() if kind.__module__ == dotted]
    assert kinds
    for kind in kinds:
        theirs = getattr(importlib.import_module(f"{dotted}._{snake(kind.__name__)}"), kind.__name__)
        fields = theirs.get_fields_and_field_types()
        for added in ADDED_WITHIN_JAZZY.get(kind.__name__, ()):
            fields.pop(added, None)
        assert list(kind.get_fields_and_field_types().items()) == list(fields.items()), kind.__name__
        for name in [name for name in vars(kind) if name.isupper() and not name.startswith("_")]:
            assert getattr(theirs, name) == getattr(kind, name), f"{kind.__name__}.{name}"


def snake(name: str) -> str:
    """The module of a generated class: "JointTolerance" -> "joint_tolerance", the parts of a service in its module."""
    words = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name.partition("_")[0])
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", words).lower()


def test_every_structure_survives_its_bytes():
    kinds = list(every_structure())
    assert len(kinds) > 250
    for kind in kinds:
        empty = kind()
        again = deserialize(serialize(empty), kind)
        assert type(again) is kind
        assert again == empty and repr(again) == repr(empty), type_name(kind)


def test_joint_state_bytes():
    joints = message("sensor_msgs", "JointState")(name=["a", "bcd"], position=[1.5, -2.0], effort=[3.0])
    joints.header.frame_id = "base"
    joints.header.stamp.sec, joints.header.stamp.nanosec = -3, 4_000_000_000
    stamp_and_frame = struct.pack("<iII5s3x", -3, 4_000_000_000, 5, b"base")
    names = struct.pack("<II2s2xI4s", 2, 2, b"a", 4, b"bcd")
    numbers = struct.pack("<I4x2dIId", 2, 1.5, -2.0, 0, 1, 3.0)  # doubles lie at multiples of 8 after the header
    expected = stamp_and_frame + names + numbers
    assert serialize(joints) == HEADER + expected
    assert deserialize(HEADER + expected, type(joints)) == joints


def test_diagnostics_bytes():
    status = message("diagnostic_msgs", "DiagnosticStatus")
    pair = message("diagnostic_msgs", "KeyValue")(key="k", value="é")
    report = status(level=status.ERROR, name="arm", message="", hardware_id="", values=[pair])
    expected = b"\x02\0\0\0" + b"\x04\0\0\0arm\0" + b"\x01\0\0\0\0\0\0\0" + b"\x01\0\0\0\0\0\0\0"
    expected += b"\x01\0\0\0" + b"\x02\0\0\0k\0\0\0" + b"\x03\0\0\0\xc3\xa9\0"
    assert serialize(report) == HEADER + expected
    assert deserialize(HEADER + expected, status) == report


def test_bytes_of_services_arrays_and_booleans():
    assert serialize(message("std_srvs", "Trigger", "srv").Request()) == HEADER + b"\0"
    entry = message("moveit_msgs", "AllowedCollisionEntry")(enabled=[True, False, True])
    assert serialize(entry) == HEADER + b"\x03\0\0\0\x01\0\x01"
    assert deserialize(serialize(entry), type(entry)).enabled == [True, False, True]
    identity = message("unique_identifier_msgs", "UUID")(uuid=list(range(16)))
    assert serialize(identity) == HEADER + bytes(range(16))
    info = message("sensor_msgs", "CameraInfo")(k=np.arange(9.0))
    assert struct.pack("<9d", *range(9)) in serialize(info)


@pytest.mark.parametrize(
    ("package", "name", "field", "wrong"),
    [
        ("std_msgs", "Float64", "data", 1),
        ("std_msgs", "Float64", "data", np.float32(1.0)),
        ("std_msgs", "Float32", "data", 1e39),
        ("std_msgs", "Int32", "data", np.int64(1)),
        ("std_msgs", "Int32", "data", 1.0),
        ("std_msgs", "Int32", "data", 2**31),
        ("std_msgs", "UInt8", "data", -1),
        ("std_msgs", "Bool", "data", 1),
        ("std_msgs", "Bool", "data", np.bool_(True)),
        ("std_msgs", "String", "data", b"text"),
        ("std_msgs", "Byte", "data", 1),
        ("std_msgs", "Header", "stamp", 1.5),
        ("sensor_msgs", "JointState", "name", "joint"),
        ("sensor_msgs", "JointState", "name", [1]),
        ("sensor_msgs", "JointState", "position", [1]),
        ("sensor_msgs", "JointState", "position", np.zeros(2)),
        ("sensor_msgs", "JointState", "position", array.array("f", [1.0])),
        ("sensor_msgs", "Image", "data", [256]),
        ("sensor_msgs", "CameraInfo", "k", [1.0] * 8),
        ("sensor_msgs", "CameraInfo", "k", np.zeros(9, np.float32)),
        ("shape_msgs", "SolidPrimitive", "dimensions", [1.0] * 4),
        ("geometry_msgs", "PoseArray", "poses", [None]),
    ],
)
def test_a_wrong_value_is_refused(package, name, field, wrong):
    value = message(package, name)()
    before = repr(value)
    with pytest.raises(AssertionError, match=f"The '{field}' "):
        setattr(value, field, wrong)
    assert repr(value) == before


def test_what_is_accepted_and_how_it_is_held():
    joints = message("sensor_msgs", "JointState")
    held = array.array("d", [1.0])
    assert joints(position=np.array([1, 2], np.float32)).position == array.array("d", [1.0, 2.0])
    state = joints()
    state.position = held
    held.append(2.0)
    assert state.position == array.array("d", [1.0])
    state.position = (2.0, np.float64(3.0))
    assert state.position == array.array("d", [2.0, 3.0])
    image = message("sensor_msgs", "Image")()
    image.data = b"\x01\x02"
    assert image.data == array.array("B", [1, 2])
    info = message("sensor_msgs", "CameraInfo")(r=[1.0] * 9)
    assert info.r.dtype == np.float64 and info.r.shape == (9,)
    assert message("std_msgs", "Float32")(data=float("inf")).data == float("inf")
    assert message("std_msgs", "Int32")(data=True).data == 1


def test_constructors_defaults_and_constants():
    quaternion = message("geometry_msgs", "Quaternion")
    assert (quaternion().x, quaternion().w, quaternion.W__DEFAULT) == (0.0, 1.0, 1.0)
    assert message("geometry_msgs", "TransformStamped")().transform.rotation.w == 1.0
    with pytest.raises(AssertionError, match="Invalid arguments passed to constructor: u, v"):
        quaternion(u=1.0, v=2.0)
    with pytest.raises(AttributeError):
        quaternion().u = 1.0
    status = message("diagnostic_msgs", "DiagnosticStatus")
    assert (status.OK, status.STALE, status().level, status().ERROR) == (b"\0", b"\3", b"\0", b"\2")
    with pytest.raises(AttributeError):
        status.OK = b"\1"
    result = message("control_msgs", "FollowJointTrajectory", "action").Result
    assert (result.PATH_TOLERANCE_VIOLATED, result().error_code) == (-4, 0)
    codes = message("moveit_msgs", "MoveItErrorCodes")
    assert (codes.SUCCESS, codes.FAILURE, codes.NO_IK_SOLUTION, codes().val) == (1, 99999, -31, 0)
    with pytest.raises(NotImplementedError):
        message("std_srvs", "Trigger", "srv")()


def test_messages_share_nothing():
    pose = message("geometry_msgs", "PoseStamped")
    first, second = pose(), pose()
    first.pose.position.x = 1.0
    assert second.pose.position.x == 0.0
    copied = copy.deepcopy(first)
    copied.pose.position.x = 2.0
    assert first.pose.position.x == 1.0 and copied != first
    info = message("sensor_msgs", "CameraInfo")
    assert info() == info() and info(k=[0.0] * 8 + [1.0]) != info()


def test_a_list_spoiled_after_it_was_set_cannot_be_written():
    poses = message("geometry_msgs", "PoseArray")()
    poses.poses.append(message("geometry_msgs", "Point")())
    with pytest.raises(AssertionError, match="a sub message of type 'Pose'"):
        serialize(poses)


def test_fields_are_told_as_rosidl_tells_them():
    fields = message("sensor_msgs", "CameraInfo").get_fields_and_field_types()
    assert (fields["header"], fields["d"], fields["k"]) == ("std_msgs/Header", "sequence<double>", "double[9]")
    assert message("diagnostic_msgs", "DiagnosticStatus").get_fields_and_field_types()["level"] == "octet"
    assert message("shape_msgs", "SolidPrimitive").get_fields_and_field_types()["dimensions"] == "sequence<double, 3>"


def test_big_messages_pass_in_milliseconds():
    """A loop over the elements in Python would take more than a second for the cloud."""
    image = message("sensor_msgs", "Image")(data=array.array("B", bytes(range(256)) * 2400))
    cloud = message("sensor_msgs", "PointCloud2")(data=array.array("B", bytes(range(256)) * 19200))
    for big, limit_s in ((image, 0.1), (cloud, 0.3)):
        took_s = []
        for _ in range(3):
            start = time.perf_counter()
            again = deserialize(serialize(big), type(big))
            took_s.append(time.perf_counter() - start)
        assert again.data == big.data
        assert min(took_s) < limit_s
