"""Pick and place, simulated or real: grasp_detector, safety, pick_server, and with clear:=true table_clearer.

    ros2 launch graspmimic pick.launch.py sim:=true clear:=true rviz:=true
    ros2 launch graspmimic pick.launch.py realsense:=true camera_calibration:=output/calibrate/calibration.yaml

The real robot's driver and its controllers run already. Arguments of grasp.launch.py (camera, workspace, table) and of
sim.launch.py (seed, objects) are taken here, too.
"""

from pathlib import Path

from launch.actions import (
    DeclareLaunchArgument,
    GroupAction,
    IncludeLaunchDescription,
    OpaqueFunction,
    SetEnvironmentVariable,
)
from launch.conditions import IfCondition, UnlessCondition
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
SIM_TABLE_M = "0.05"
SIM_WORKSPACE = "0.02 0.02 0.055 0.28 0.28 0.3"
SIM_CELL = {
    # The bin's four walls, and the posture above it; picks as the benchmark (bench clutter --setting robot) does them.
    "obstacles": [-0.045, 0.56, 0.11, 0.01, 0.34, 0.12, 0.285, 0.56, 0.11, 0.01, 0.34, 0.12,
                  0.12, 0.395, 0.11, 0.34, 0.01, 0.12, 0.12, 0.725, 0.11, 0.34, 0.01, 0.12],
    "drop_q": [0.377080, 0.259145, 0.372952, -1.797816, -0.104751, 2.037646, 1.571333],
    "attempts": 1,
    "settle_s": 2.0,
    "forget_failed_s": 3600.0,
}  # fmt: skip
ARGUMENTS = [
    DeclareLaunchArgument(
        "sim", default_value="false", choices=["true", "false"], description="Against sim_robot, which is started."
    ),
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
    DeclareLaunchArgument("world_frame", default_value="world", description="TF frame of grasps and table, z up."),
    DeclareLaunchArgument(
        "table_height_m", default_value="0.0", description="Height of the table's top in world_frame, m (not in sim)."
    ),
    DeclareLaunchArgument(
        "speed", default_value="1.0", description="Factor on the speed of every motion; begin with 0.1 on a real arm."
    ),
    DeclareLaunchArgument(
        "motion", default_value="trajectory", choices=["trajectory", "moveit"],
        description="Free motions by our planner, or by MoveIt's move_group, which runs already.",
    ),
    DeclareLaunchArgument(
        "clear", default_value="false", choices=["true", "false"], description="Pick until nothing is left."
    ),
    DeclareLaunchArgument("rviz", default_value="false", choices=["true", "false"], description="Start RViz."),
]  # fmt: skip


def value(argument: str, kind: type) -> ParameterValue:
    """An argument as a parameter of its type: 5 is a number with decimals, too."""
    return ParameterValue(LaunchConfiguration(argument), value_type=kind)


def include(file: str, **arguments: str) -> GroupAction:
    """Another launch file; what it is given is not seen outside of it."""
    source = PythonLaunchDescriptionSource(PathJoinSubstitution([FOLDER, file]))
    return GroupAction([IncludeLaunchDescription(source, launch_arguments=arguments.items())])


def node(name: str, parameters: dict, condition: IfCondition | UnlessCondition | None = None, **options: list) -> Node:
    """One of our nodes, with the robot's parameters, yours, and these."""
    files = [LaunchConfiguration("robot_file"), LaunchConfiguration("params_file")]
    told = {"use_sim_time": value("sim", bool), **parameters}
    return Node(
        package="graspmimic",
        executable=name,
        name=name,
        output="screen",
        parameters=[*files, told],
        condition=condition,
        **options,
    )


def check_files(context: LaunchContext) -> list[Node]:
    """Stop where a parameter file is missing: ROS would only warn, and the node run with a Panda's parameters."""
    for argument in ("robot_file", "params_file"):
        path = LaunchConfiguration(argument).perform(context)
        if not Path(path).is_file():
            raise FileNotFoundError(f"argument {argument}: there is no file {path}")
    if (
        LaunchConfiguration("sim").perform(context) == "true"
        and LaunchConfiguration("robot").perform(context) != "panda"
    ):
        raise ValueError("argument robot: sim_robot is a Panda")
    return []


def generate_launch_description() -> LaunchDescription:
    """What `ros2 launch` starts."""
    simulated, real = IfCondition(LaunchConfiguration("sim")), UnlessCondition(LaunchConfiguration("sim"))
    in_sim = [
        include("sim.launch.py", scene="clutter", view="each_pick", rviz="false"),
        include(
            "grasp.launch.py",
            use_sim_time="true",
            mode="on_request",
            workspace=SIM_WORKSPACE,
            table="known",
            table_height_m=SIM_TABLE_M,
        ),
    ]
    picking = {
        "world_frame": value("world_frame", str),
        "speed": value("speed", float),
        "motion": value("motion", str),
    }
    wiring = {
        "remappings": [
            ("plan_grasps", "/grasp_detector/plan_grasps"),
            ("scene_cloud", "/grasp_detector/scene_cloud"),
            ("safety/heartbeat", "/safety/heartbeat"),
        ]
    }
    table = {"table_z_m": value("table_height_m", float)}
    return LaunchDescription(
        [
            *ARGUMENTS,
            LARGE_IMAGES,
            OpaqueFunction(function=check_files),
            GroupAction(in_sim, condition=simulated),
            GroupAction([include("grasp.launch.py")], condition=real),
            node("safety", {}),
            node("pick_server", {**picking, **SIM_CELL, "table_z_m": float(SIM_TABLE_M)}, simulated, **wiring),
            node("pick_server", {**picking, **table}, real, **wiring),
            node("table_clearer", {}, IfCondition(LaunchConfiguration("clear"))),
        ]
    )
