"""The parameters of `policy_runner`."""

from __future__ import annotations

from dataclasses import dataclass

from envs.manipulation.arm import WORKSPACE_M
from ros_nodes.arm_settings import ArmSettings
from ros_nodes.setting import autostart_setting, setting
from ros_nodes.task_view.settings import TaskFrameSettings


@dataclass(frozen=True, kw_only=True)
class PolicyRunnerSettings(TaskFrameSettings, ArmSettings):
    """What the node needs; what is not read only takes effect when it is configured the next time."""

    autostart: bool = autostart_setting()
    policy: str = setting(
        "rl:PickPlace",
        "The policy: rl:TASK or imitation:TASK for one that is shipped, else its .safetensors file or training folder.",
    )
    start_at_activation: bool = setting(
        False, "Begin to act as soon as the node is active and its sources are there, without ~/start."
    )
    rate_hz: float = setting(
        0.0, "Steps a second; must be the rate of the training environment. 0 takes that rate.", low=0.0, high=1000.0
    )
    joint_timeout_s: float = setting(0.1, "Age of joint_states at which it holds, s.", low=0.001, high=10.0)
    object_timeout_s: float = setting(0.2, "Age of the poses of things at which it holds, s.", low=0.001, high=10.0)
    goal_timeout_s: float = setting(
        0.0, "Age of the goal at which it holds, s; 0 takes it however old it is.", low=0.0, high=3600.0
    )
    least_rate_share: float = setting(
        0.8, "Joints and poses of things must come at least at this share of the policy's rate.", low=0.0, high=1.0
    )
    hand_lower_m: tuple[float, float, float] = setting(
        WORKSPACE_M[0], "Least x, y, z of where the fingertips are sent, in the task's world, m."
    )
    hand_upper_m: tuple[float, float, float] = setting(
        WORKSPACE_M[1], "Greatest x, y, z of the same; the policy's own environment may have a smaller box.",
    )  # fmt: skip
    speed_scale: float = setting(
        0.5,
        "Share of the joints' speeds that is used at most. Training uses all of them and knows no limits of "
        "acceleration; a real arm does.",
        low=0.01,
        high=1.0,
    )
    gripper_threshold_m: float = setting(
        0.01, "Smallest change of the wanted opening that is worth a new gripper goal, m.", low=0.0, high=0.1
    )
    gripper_effort_n: float = setting(40.0, "GripperCommand.max_effort, N.", low=0.0, high=200.0)
    latency_s: float = setting(
        0.01, "From a step of the policy to the moment at which the controller acts on it, s.", low=0.0, high=0.5
    )
    missed_ticks: int = setting(2, "More steps than this missed in a row make the policy begin anew.", low=0, high=1000)
    step_limit: int = setting(0, "Steps after which it stops by itself; 0 for none.", low=0, high=1_000_000)
    done_steps: int = setting(
        0, "Steps in a row with the goal reached after which it stops by itself; 0 goes on.", low=0, high=1_000_000
    )
