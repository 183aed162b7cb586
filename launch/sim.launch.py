"""A simulated Panda with a RealSense, which speaks as the real ones do.

    ros2 launch graspmimic sim.launch.py rviz:=true
    ros2 launch graspmimic sim.launch.py scene:=task task:=graspmimic/Stack-v0

Faults on request are parameters: `ros2 param set /sim_robot camera_lost true`.
"""

from pathlib import Path

from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable
from launch.conditions import IfCondition
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
ARGUMENTS = [
    DeclareLaunchArgument(
        "scene", default_value="clutter", choices=["clutter", "task"], description="Piles and a bin, or a task."
    ),
    DeclareLaunchArgument(
        "task", default_value="graspmimic/PickPlace-v0", description="Id of the task where the scene is a task."
    ),
    DeclareLaunchArgument(
        "objects", default_value="procedural", description="procedural, random_urdfs, or a folder of URDFs or meshes."
    ),
    DeclareLaunchArgument(
        "arrangement", default_value="pile", choices=["pile", "packed"], description="How the objects of clutter lie."
    ),
    DeclareLaunchArgument("seed", default_value="0", description="Seed of the scenes."),
    DeclareLaunchArgument(
        "view", default_value="fixed", choices=["fixed", "each_pick"],
        description="Whether the camera of clutter stays, or moves after each pick as the benchmark moves it.",
    ),
    DeclareLaunchArgument(
        "real_time_factor", default_value="1.0", description="Simulated seconds a second; 0 is as fast as it can."
    ),
    DeclareLaunchArgument("object_rate_hz", default_value="10.0", description="Rate of the objects' true poses, Hz."),
    DeclareLaunchArgument(
        "reflex_force_n", default_value="20.0", description="Contact force that stops the arm, N; 0 switches that off."
    ),
    DeclareLaunchArgument(
        "sim_robot_file",
        default_value=PathJoinSubstitution([FOLDER, "robots", "panda.yaml"]),
        description="Parameters of the simulated robot: a Panda, whatever its joints and frames are called.",
    ),
    DeclareLaunchArgument(
        "sim_params_file",
        default_value=LaunchConfiguration("sim_robot_file"),
        description="Your own parameters of sim_robot (YAML), over those of sim_robot_file.",
    ),
    DeclareLaunchArgument("rviz", default_value="false", choices=["true", "false"], description="Start RViz."),
]  # fmt: skip


def value(argument: str, kind: type) -> ParameterValue:
    """An argument as a parameter of its type: 5 is a number with decimals, too."""
    return ParameterValue(LaunchConfiguration(argument), value_type=kind)


def check_files(context: LaunchContext) -> list[Node]:
    """Stop where a parameter file is missing: ROS would only warn, and the node run with a Panda's parameters."""
    for argument in ("sim_robot_file", "sim_params_file"):
        path = LaunchConfiguration(argument).perform(context)
        if not Path(path).is_file():
            raise FileNotFoundError(f"argument {argument}: there is no file {path}")
    return []


def generate_launch_description() -> LaunchDescription:
    """What `ros2 launch` starts."""
    robot = Node(
        package="graspmimic",
        executable="sim_robot",
        name="sim_robot",
        output="screen",
        parameters=[
            LaunchConfiguration("sim_robot_file"),
            LaunchConfiguration("sim_params_file"),
            {
                "scene": value("scene", str),
                "task": value("task", str),
                "objects": value("objects", str),
                "arrangement": value("arrangement", str),
                "seed": value("seed", int),
                "view": value("view", str),
                "real_time_factor": value("real_time_factor", float),
                "object_rate_hz": value("object_rate_hz", float),
                "reflex_force_n": value("reflex_force_n", float),
            },
        ],
    )
    rviz = Node(
        package="rviz2",
        executable="rviz2",
        name="rviz2",
        arguments=["-d", PathJoinSubstitution([FOLDER, "rviz", "graspmimic.rviz"])],
        parameters=[{"use_sim_time": True}],
        condition=IfCondition(LaunchConfiguration("rviz")),
    )
    return LaunchDescription([*ARGUMENTS, LARGE_IMAGES, OpaqueFunction(function=check_files), robot, rviz])
