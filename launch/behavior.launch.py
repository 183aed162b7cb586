"""What people in front of a camera do: behavior_recognizer, and if wanted the RealSense's driver and RViz.

    ros2 launch graspmimic behavior.launch.py realsense:=true rviz:=true
    ros2 launch graspmimic behavior.launch.py image:=/webcam/image_raw use_depth:=false

It needs `pip install 'graspmimic[pose]'` and `graspmimic setup pose`, unless keypoints come from elsewhere.
"""

from pathlib import Path

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
        "input", default_value="image", choices=["image", "keypoints_2d", "keypoints_3d"], description="What comes in."
    ),
    DeclareLaunchArgument("image", default_value=f"{CAMERA}/color/image_raw", description="Topic of the images."),
    DeclareLaunchArgument(
        "use_depth", default_value="true", choices=["true", "false"], description="Lift keypoints to metres by depth."
    ),
    DeclareLaunchArgument(
        "depth", default_value=f"{CAMERA}/aligned_depth_to_color/image_raw",
        description="Topic of the depth registered to the images.",
    ),
    DeclareLaunchArgument(
        "camera_info", default_value=f"{CAMERA}/color/camera_info", description="Topic of the images' CameraInfo."
    ),
    DeclareLaunchArgument("keypoints", default_value="/keypoints", description="Topic of keypoints, if not of images."),
    DeclareLaunchArgument(
        "objects", default_value="/objects", description="Topic of things about the people (Detection3DArray), if any."
    ),
    DeclareLaunchArgument("max_persons", default_value="1", description="Persons that are looked for."),
    DeclareLaunchArgument("rules", default_value="", description="YAML file of behaviours; empty: the built-in book."),
    DeclareLaunchArgument("params_file", default_value="", description="Your own parameters of the node (YAML)."),
    DeclareLaunchArgument(
        "use_sim_time", default_value="false", choices=["true", "false"], description="Take the time from /clock."
    ),
    DeclareLaunchArgument(
        "realsense", default_value="false", choices=["true", "false"], description="Start realsense2_camera, too."
    ),
    DeclareLaunchArgument(
        "fixed_frame", default_value="camera_link", description="TF frame that RViz shows people in."
    ),
    DeclareLaunchArgument("rviz", default_value="false", choices=["true", "false"], description="Start RViz."),
]  # fmt: skip


def value(argument: str, kind: type) -> ParameterValue:
    """An argument as a parameter of its type: 5 is a number with decimals, too."""
    return ParameterValue(LaunchConfiguration(argument), value_type=kind)


def recognizer(context: LaunchContext) -> list[Node]:
    """The node; where no file of parameters is given, none is read."""
    file = LaunchConfiguration("params_file").perform(context)
    if file and not Path(file).is_file():
        raise FileNotFoundError(f"argument params_file: there is no file {file}")
    told = {
        "use_sim_time": value("use_sim_time", bool),
        "input": value("input", str),
        "use_depth": value("use_depth", bool),
        "max_persons": value("max_persons", int),
        "rules": value("rules", str),
    }
    topics = ("image", "depth", "camera_info", "keypoints", "objects")
    return [
        Node(
            package="graspmimic",
            executable="behavior_recognizer",
            name="behavior_recognizer",
            output="screen",
            parameters=[*([file] if file else []), told],
            remappings=[(topic, LaunchConfiguration(topic)) for topic in topics],
        )
    ]


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
            LaunchConfiguration("fixed_frame"),
        ],
        parameters=[{"use_sim_time": value("use_sim_time", bool)}],
        condition=IfCondition(LaunchConfiguration("rviz")),
    )
    return LaunchDescription([*ARGUMENTS, LARGE_IMAGES, realsense, OpaqueFunction(function=recognizer), rviz])
