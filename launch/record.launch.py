"""Record demonstrations as a set that policies train on, and as bags if wanted.

    ros2 launch graspmimic record.launch.py sim:=true demonstrator:=policy folder:=output/demonstrations
    ros2 launch graspmimic record.launch.py actions_from:=motion task_words:="put the cube on the plate"

Then, for each episode (std_srvs/srv/Trigger, and SetBool for success):

    ros2 service call /demo_recorder/start std_srvs/srv/Trigger
    ros2 service call /demo_recorder/success std_srvs/srv/SetBool "{data: true}"
    ros2 service call /demo_recorder/stop std_srvs/srv/Trigger
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
from launch.substitutions import EnvironmentVariable, LaunchConfiguration, PathJoinSubstitution, PythonExpression
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
        "sim", default_value="false", choices=["true", "false"], description="On sim_robot's clock, and its things."
    ),
    DeclareLaunchArgument(
        "demonstrator", default_value="none", choices=["none", "policy"],
        description="Start imitate.launch.py, too, with its arguments (policy, task), or leave that to you.",
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
    DeclareLaunchArgument("folder", default_value="demonstrations", description="Folder of the set."),
    DeclareLaunchArgument(
        "task", default_value="graspmimic/PickPlace-v0",
        description="Environment whose observations and actions are recorded; empty records the robot's own numbers.",
    ),
    DeclareLaunchArgument("task_words", default_value="", description="What is done, in words."),
    DeclareLaunchArgument(
        "actions_from", default_value="topic", choices=["topic", "command", "motion"],
        description="What tells the actions: the demonstrator's topic, the commands to the arm, or its motion.",
    ),
    DeclareLaunchArgument(
        "source", default_value="human",
        choices=["human", "policy", "expert", "keyboard", "gamepad", "intervention"],
        description="Who demonstrates; written into each episode.",
    ),
    DeclareLaunchArgument(
        "bag", default_value="false", choices=["true", "false"], description="Record raw messages into bags, too."
    ),
    DeclareLaunchArgument(
        "action", default_value="/policy_runner/action", description="Topic of the demonstrator's actions (JointState)."
    ),
    DeclareLaunchArgument(
        "command", default_value="/safety/joint_trajectory", description="Topic of the commands (JointTrajectory)."
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
    DeclareLaunchArgument(
        "color_image", default_value=f"{CAMERA}/color/image_raw", description="Topic of the colour images."
    ),
    DeclareLaunchArgument(
        "depth_image", default_value=f"{CAMERA}/aligned_depth_to_color/image_raw",
        description="Topic of the depth images that belong to them.",
    ),
]  # fmt: skip


def value(argument: str, kind: type) -> ParameterValue:
    """An argument as a parameter of its type: 5 is a number with decimals, too."""
    return ParameterValue(LaunchConfiguration(argument), value_type=kind)


def recorder(parameters: dict, condition: IfCondition | UnlessCondition) -> Node:
    """The recorder."""
    return Node(
        package="graspmimic",
        executable="demo_recorder",
        name="demo_recorder",
        output="screen",
        parameters=[
            LaunchConfiguration("robot_file"),
            LaunchConfiguration("params_file"),
            {
                "use_sim_time": value("sim", bool),
                "folder": value("folder", str),
                "env": value("task", str),
                "task": value("task_words", str),
                "actions_from": value("actions_from", str),
                "source": value("source", str),
                "bag": value("bag", bool),
                **parameters,
            },
        ],
        remappings=[
            ("action", LaunchConfiguration("action")),
            ("joint_trajectory", LaunchConfiguration("command")),
            ("objects", LaunchConfiguration("objects_topic")),
            ("goal", LaunchConfiguration("goal_topic")),
            ("goals", LaunchConfiguration("goals_topic")),
            ("color/image", LaunchConfiguration("color_image")),
            ("depth/image", LaunchConfiguration("depth_image")),
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
    asked = PythonExpression(["'", LaunchConfiguration("demonstrator"), "' == 'policy'"])
    file = PythonLaunchDescriptionSource(PathJoinSubstitution([FOLDER, "imitate.launch.py"]))
    return LaunchDescription(
        [
            *ARGUMENTS,
            LARGE_IMAGES,
            OpaqueFunction(function=check_files),
            GroupAction([IncludeLaunchDescription(file)], condition=IfCondition(asked)),
            recorder({"sources": ["joint_states", "objects", "goals"]}, simulated),
            recorder({}, real),
        ]
    )
