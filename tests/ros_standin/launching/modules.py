"""The entities under the names by which launch files import them."""

from __future__ import annotations

from importlib.machinery import ModuleSpec
from types import ModuleType

from tests.ros_standin.launching import entities

_PLACES = {
    "launch": ("LaunchContext", "LaunchDescription"),
    "launch.conditions": ("IfCondition", "UnlessCondition"),
    "launch.actions": (
        "DeclareLaunchArgument", "GroupAction", "IncludeLaunchDescription", "LogInfo", "OpaqueFunction",
        "SetEnvironmentVariable",
    ),
    "launch.substitutions": (
        "EnvironmentVariable", "LaunchConfiguration", "PathJoinSubstitution", "PythonExpression", "TextSubstitution",
    ),
    "launch.launch_description_sources": ("PythonLaunchDescriptionSource",),
    "launch_ros": (),
    "launch_ros.actions": ("Node", "SetParameter"),
    "launch_ros.substitutions": ("FindPackageShare",),
    "launch_ros.parameter_descriptions": ("ParameterFile", "ParameterValue"),
}  # fmt: skip


def launch_modules() -> dict[str, ModuleType]:
    """The modules by name."""
    modules = {name: ModuleType(name) for name in _PLACES}
    for name, module in modules.items():
        module.__spec__ = ModuleSpec(name, None)
    for name, names in _PLACES.items():
        for each in names:
            setattr(modules[name], each, getattr(entities, each))
    for name, module in modules.items():
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(modules[parent], child, module)
    return modules
