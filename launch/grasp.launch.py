"""Grasps from a depth camera: the detector, where the camera is, and if wanted the RealSense's driver and RViz.

    ros2 launch graspmimic grasp.launch.py realsense:=true camera_calibration:=output/calibrate/calibration.yaml
    ros2 launch graspmimic grasp.launch.py camera_pose:="0.5 0 0.7 0 0.7071 0 0.7071" camera_parent:=world rviz:=true

The camera looks at a table; grasps come on /grasp_detector/grasps, /grasp_detector/markers, and on request.
"""

from pathlib import Path

import yaml
from launch.actions import (
    DeclareLaunchArgument,
    GroupAction,
    IncludeLaunchDescription,
    OpaqueFunction,
    SetEnvironmentVariable,
)
from launch.conditions import IfCondition
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import EnvironmentVariable, LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

from launch import LaunchContext, LaunchDescription

FOLDER = PathJoinSubstitution([FindPackageShare("graspmimic"), "launch"])
LARGE_IMAGES = SetEnvironmentVariable(  # unless one is set: by itself Fast DDS loses half of all depth images
    "FASTRTPS_DEFAULT_PROFILES_FILE",
    EnvironmentVariable("FASTRTPS_DEFAULT_PROFILES_FILE", default_value=PathJoinSubstitution([FOLDER, "fastdds.xml"])),
)
CAMERA = "/camera/camera"
ARGUMENTS = [
    DeclareLaunchArgument(
        "robot", default_value="panda", choices=["panda", "ur5e", "xarm6"], description="Whose parameter file is used."
    ),
    DeclareLaunchArgument(
        "robot_file",
        default_value=[PathJoinSubstitution([FOLDER, "robots", LaunchConfiguration("robot")]), ".yaml"],
        description="Parameters of the robot (YAML): a copy of one of launch/robots, for yours.",
    ),
    DeclareLaunchArgument(
        "params_file",
        default_value=LaunchConfiguration("robot_file"),
        description="Your own parameters of the nodes (YAML), over those of robot_file.",
    ),
    DeclareLaunchArgument(
        "use_sim_time", default_value="false", choices=["true", "false"], description="Take the time from /clock."
    ),
    DeclareLaunchArgument(
        "depth_image", default_value=f"{CAMERA}/depth/image_rect_raw", description="Topic of the depth images."
    ),
    DeclareLaunchArgument(
        "depth_info", default_value=f"{CAMERA}/depth/camera_info", description="Topic of their CameraInfo."
    ),
    DeclareLaunchArgument(
        "mode", default_value="continuous", choices=["continuous", "on_request"],
        description="Grasps for every frame there is time for, or only when plan_grasps asks.",
    ),
    DeclareLaunchArgument("world_frame", default_value="world", description="TF frame of grasps, z up."),
    DeclareLaunchArgument(
        "workspace", default_value="",
        description="Box where grasps are wanted, in world_frame, m: 'x y z x y z', lower corner, upper corner.",
    ),
    DeclareLaunchArgument(
        "table", default_value="known", choices=["known", "find", "none"],
        description="A level table at table_height_m, one that is looked for in each frame, or none.",
    ),
    DeclareLaunchArgument(
        "table_height_m", default_value="0.0", description="Height of the table's top in world_frame, m."
    ),
    DeclareLaunchArgument("device", default_value="cpu", description="Where the network runs: cpu, cuda, cuda:1."),
    DeclareLaunchArgument(
        "camera_calibration", default_value="",
        description="What `graspmimic calibrate` wrote (calibration.yaml): the camera's pose is published.",
    ),
    DeclareLaunchArgument(
        "camera_pose", default_value="",
        description="Instead of it: 'x y z qx qy qz qw' of camera_frame in camera_parent, m. Empty: somebody else's.",
    ),
    DeclareLaunchArgument("camera_parent", default_value="world", description="TF frame that camera_pose stands in."),
    DeclareLaunchArgument(
        "camera_frame", default_value="camera_link", description="Root of the camera driver's own TF frames."
    ),
    DeclareLaunchArgument(
        "base_pose", default_value="",
        description="'x y z qx qy qz qw' of the robot's base_frame in world_frame, where no driver publishes it.",
    ),
    DeclareLaunchArgument(
        "realsense", default_value="false", choices=["true", "false"], description="Start realsense2_camera, too."
    ),
    DeclareLaunchArgument("rviz", default_value="false", choices=["true", "false"], description="Start RViz."),
]  # fmt: skip


def told(context: LaunchContext, argument: str) -> str:
    """An argument's text."""
    return LaunchConfiguration(argument).perform(context)


def numbers(context: LaunchContext, argument: str, count: int) -> list[float]:
    """An argument's numbers; none where it is empty."""
    found = [float(text) for text in told(context, argument).replace(",", " ").split()]
    if len(found) not in (0, count):
        raise ValueError(f"argument {argument}: expected {count} numbers, got {len(found)}")
    return found


def value(argument: str, kind: type) -> ParameterValue:
    """An argument as a parameter of its type: 5 is a number with decimals, too."""
    return ParameterValue(LaunchConfiguration(argument), value_type=kind)


def detector(context: LaunchContext) -> list[Node]:
    """The detector; a workspace that is not given is not told."""
    workspace = numbers(context, "workspace", 6)
    return [
        Node(
            package="graspmimic",
            executable="grasp_detector",
            name="grasp_detector",
            output="screen",
            parameters=[
                LaunchConfiguration("robot_file"),
                LaunchConfiguration("params_file"),
                {
                    "use_sim_time": value("use_sim_time", bool),
                    "mode": value("mode", str),
                    "world_frame": value("world_frame", str),
                    "table": value("table", str),
                    "table_height_m": value("table_height_m", float),
                    "device": value("device", str),
                    **({"workspace": workspace} if workspace else {}),
                },
            ],
            remappings=[
                ("depth/image", LaunchConfiguration("depth_image")),
                ("depth/camera_info", LaunchConfiguration("depth_info")),
            ],
        )
    ]


def fixed_frames(context: LaunchContext) -> list[Node]:
    """Where the camera is, and where the robot stands, as far as it was said."""
    nodes = []
    calibration, camera = told(context, "camera_calibration"), numbers(context, "camera_pose", 7)
    if calibration:
        found = yaml.safe_load(Path(calibration).expanduser().read_text())["camera_transform"]
        pose = [*found["xyz_m"], *found["quat_xyzw"]]
        nodes.append(static_transform("camera_pose", pose, found["parent_frame"], found["child_frame"]))
    elif camera:
        nodes.append(
            static_transform("camera_pose", camera, told(context, "camera_parent"), told(context, "camera_frame"))
        )
    base = numbers(context, "base_pose", 7)
    if base:
        robot = yaml.safe_load(Path(told(context, "robot_file")).read_text())["/**"]["ros__parameters"]
        nodes.append(static_transform("base_pose", base, told(context, "world_frame"), robot["base_frame"]))
    return nodes


def static_transform(name: str, pose: list[float], parent: str, child: str) -> Node:
    """A pose (x y z qx qy qz qw) on /tf_static."""
    names = ("--x", "--y", "--z", "--qx", "--qy", "--qz", "--qw")
    arguments = [text for option, number in zip(names, pose, strict=True) for text in (option, str(number))]
    return Node(
        package="tf2_ros",
        executable="static_transform_publisher",
        name=name,
        arguments=[*arguments, "--frame-id", parent, "--child-frame-id", child],
    )


def check_files(context: LaunchContext) -> list[Node]:
    """Stop where a parameter file is missing: ROS would only warn, and the node run with a Panda's parameters."""
    for argument in ("robot_file", "params_file"):
        path = LaunchConfiguration(argument).perform(context)
        if not Path(path).is_file():
            raise FileNotFoundError(f"argument {argument}: there is no file {path}")
    return []


def generate_launch_description() -> LaunchDescription:
    """What `ros2 launch` starts."""
    driver = PathJoinSubstitution([FindPackageShare("realsense2_camera"), "launch", "rs_launch.py"])
    realsense = GroupAction(
        [
            IncludeLaunchDescription(
                PythonLaunchDescriptionSource(driver), launch_arguments={"align_depth.enable": "true"}.items()
            )
        ],
        condition=IfCondition(LaunchConfiguration("realsense")),
    )
    rviz = Node(
        package="rviz2",
        executable="rviz2",
        name="rviz2",
        arguments=[
            "-d",
            PathJoinSubstitution([FOLDER, "rviz", "graspmimic.rviz"]),
            "-f",
            LaunchConfiguration("world_frame"),
        ],
        parameters=[{"use_sim_time": value("use_sim_time", bool)}],
        condition=IfCondition(LaunchConfiguration("rviz")),
    )
    nodes = [OpaqueFunction(function=fixed_frames), OpaqueFunction(function=detector)]
    return LaunchDescription([*ARGUMENTS, LARGE_IMAGES, OpaqueFunction(function=check_files), realsense, *nodes, rviz])
