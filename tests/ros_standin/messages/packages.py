"""The message packages as modules: `<package>.msg`, `.srv` and `.action`, with service and action classes."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import Any

SERVICE_PARTS = ("Request", "Response")
ACTION_PARTS = ("Goal", "Result", "Feedback")


class InterfaceType(type):
    """Metaclass of services and actions: they are namespaces, never made."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        """Refuse, as rosidl's service and action classes do."""
        raise NotImplementedError("Service classes can not be instantiated")


def make_modules(classes: dict[str, Any]) -> dict[str, ModuleType]:
    """Every module, by its dotted name."""
    modules: dict[str, ModuleType] = {}
    for name, interface in {**_messages(classes), **_services(classes), **_actions(classes)}.items():
        package, kind, short = name.split("/")
        parent = modules.setdefault(package, _package(package))
        dotted = f"{package}.{kind}"
        if dotted not in modules:
            modules[dotted] = _package(dotted)
            setattr(parent, kind, modules[dotted])
        setattr(modules[dotted], short, interface)
    return modules


def _messages(classes: dict[str, Any]) -> dict[str, Any]:
    return {name: cls for name, cls in classes.items() if "/msg/" in name}


def _services(classes: dict[str, Any]) -> dict[str, Any]:
    services = {}
    for request in [name for name in classes if "/srv/" in name and name.endswith("_Request")]:
        name = request.removesuffix("_Request")
        services[name] = _interface(name, {part: classes[f"{name}_{part}"] for part in SERVICE_PARTS})
    return services


def _actions(classes: dict[str, Any]) -> dict[str, Any]:
    actions = {}
    for goal in [name for name in classes if "/action/" in name and name.endswith("_Goal")]:
        name = goal.removesuffix("_Goal")
        parts = {part: classes[f"{name}_{part}"] for part in ACTION_PARTS}
        wrappers = SimpleNamespace(
            SendGoalService=_wrapper_service(name, "SendGoal", classes),
            GetResultService=_wrapper_service(name, "GetResult", classes),
            FeedbackMessage=classes[f"{name}_FeedbackMessage"],
            CancelGoalService=_interface(
                "action_msgs/srv/CancelGoal",
                {part: classes[f"action_msgs/srv/CancelGoal_{part}"] for part in SERVICE_PARTS},
            ),
            GoalStatusMessage=classes["action_msgs/msg/GoalStatusArray"],
        )
        actions[name] = _interface(name, {**parts, "Impl": wrappers})
    return actions


def _wrapper_service(action: str, name: str, classes: dict[str, Any]) -> Any:
    return _interface(f"{action}_{name}", {part: classes[f"{action}_{name}_{part}"] for part in SERVICE_PARTS})


def _interface(name: str, members: dict[str, Any]) -> Any:
    package, kind, short = name.split("/")
    return InterfaceType(short, (), {"__module__": f"{package}.{kind}", "_interface_name": name, **members})


def _package(name: str) -> ModuleType:
    module = ModuleType(name)
    module.__path__ = []
    return module
