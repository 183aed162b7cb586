"""A trained policy on the robot, simulated or real: policy_runner, and safety between it and the arm.

    ros2 launch graspmimic imitate.launch.py sim:=true policy:=imitation:PickPlace start:=true
    ros2 launch graspmimic imitate.launch.py policy:=output/train_imitation objects_topic:=/things goal_topic:=/goal

On a real robot its driver runs already, and somebody publishes the poses of things (Detection3DArray) and the goal.
Without start:=true it waits for `ros2 service call /policy_runner/start std_srvs/srv/Trigger`.
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
ARGUMENTS = [
    DeclareLaunchArgument(
        "sim", default_value="false", choices=["true", "false"], description="Against sim_robot, which is started."
    ),
    DeclareLaunchArgument(
        "robot", default_value="panda", choices=["panda"],
        description="Whose parameter file is used; policies are trained with a Panda's kinematics.",
    ),
    DeclareLaunchArgument(
        "robot_file",
        default_value=[PathJoinSubstitution([FOLDER, "robots", LaunchConfiguration("robot")]), ".yaml"],
        description="Parameters of the robot (YAML): a copy of launch/robots/panda.yaml, for yours.",
    ),
    DeclareLaunchArgument(
        "params_file",
        default_value=LaunchConfiguration("robot_file"),
        description="Your own parameters of the nodes (YAML), over those of robot_file.",
    ),
    DeclareLaunchArgument(
        "policy", default_value="imitation:PickPlace",
        description="imitation:TASK or rl:TASK for one that is shipped, else its file or training folder.",
    ),
    DeclareLaunchArgument(
        "task", default_value="graspmimic/PickPlace-v0", description="The simulated task: the policy's own."
    ),
    DeclareLaunchArgument(
        "start", default_value="false", choices=["true", "false"], description="Begin as soon as all sources are there."
    ),
    DeclareLaunchArgument("step_limit", default_value="0", description="Steps after which it stops; 0 for none."),
    DeclareLaunchArgument(
        "speed_scale", default_value="0.5", description="Share of the joints' speeds that is used at most."
    ),
    DeclareLaunchArgument(
        "objects_topic", default_value="/sim_robot/objects", description="Topic of things' poses (Detection3DArray)."
    ),
    DeclareLaunchArgument(
        "goal_topic", default_value="/sim_robot/goal", description="Topic of the goal of one thing (PoseStamped)."
    ),
    DeclareLaunchArgument(
        "goals_topic", default_value="/sim_robot/goals", description="Topic of the goals of several (Detection3DArray)."
    ),
    DeclareLaunchArgument("rviz", default_value="false", choices=["true", "false"], description="Start RViz."),
]  # fmt: skip


def value(argument: str, kind: type) -> ParameterValue:
    """An argument as a parameter of its type: 5 is a number with decimals, too."""
    return ParameterValue(LaunchConfiguration(argument), value_type=kind)


def runner(parameters: dict, condition: IfCondition | UnlessCondition) -> Node:
    """The policy's node; its points go to the arm through safety."""
    told = {
        "use_sim_time": value("sim", bool),
        "policy": value("policy", str),
        "start_at_activation": value("start", bool),
        "step_limit": value("step_limit", int),
        "speed_scale": value("speed_scale", float),
        **parameters,
    }
    return Node(
        package="graspmimic",
        executable="policy_runner",
        name="policy_runner",
        output="screen",
        parameters=[LaunchConfiguration("robot_file"), LaunchConfiguration("params_file"), told],
        remappings=[
            ("joint_trajectory", "/safety/joint_trajectory"),
            ("safety/heartbeat", "/safety/heartbeat"),
            ("objects", LaunchConfiguration("objects_topic")),
            ("goal", LaunchConfiguration("goal_topic")),
            ("goals", LaunchConfiguration("goals_topic")),
        ],
        condition=condition,
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
    simulated, real = IfCondition(LaunchConfiguration("sim")), UnlessCondition(LaunchConfiguration("sim"))
    sim_file = PythonLaunchDescriptionSource(PathJoinSubstitution([FOLDER, "sim.launch.py"]))
    # Policies push, so that the reflex is off; they want the things' poses at their own rate.
    scene = {"scene": "task", "object_rate_hz": "100.0", "reflex_force_n": "0.0", "rviz": "false"}
    sim = GroupAction([IncludeLaunchDescription(sim_file, launch_arguments=scene.items())], condition=simulated)
    rviz = Node(
        package="rviz2",
        executable="rviz2",
        name="rviz2",
        arguments=["-d", PathJoinSubstitution([FOLDER, "rviz", "graspmimic.rviz"])],
        parameters=[{"use_sim_time": value("sim", bool)}],
        condition=IfCondition(LaunchConfiguration("rviz")),
    )
    safety = Node(
        package="graspmimic",
        executable="safety",
        name="safety",
        output="screen",
        parameters=[
            LaunchConfiguration("robot_file"),
            LaunchConfiguration("params_file"),
            {"use_sim_time": value("sim", bool)},
        ],
    )
    return LaunchDescription(
        [
            *ARGUMENTS,
            LARGE_IMAGES,
            OpaqueFunction(function=check_files),
            sim,
            safety,
            runner({"sources": ["joint_states", "objects", "goals"]}, simulated),
            runner({}, real),
            rviz,
        ]
    )
