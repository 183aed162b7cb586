"""rclpy.parameter_service: what `ros2 param` talks to."""

from __future__ import annotations

from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rcl_interfaces.srv import (
    DescribeParameters,
    GetParameters,
    GetParameterTypes,
    ListParameters,
    SetParameters,
    SetParametersAtomically,
)
from rclpy.exceptions import ParameterNotDeclaredException, ParameterUninitializedException
from rclpy.parameter import Parameter
from rclpy.qos import qos_profile_parameters


class ParameterService:
    """The six parameter services of a node. One name that has no value, or is not known, makes an answer empty."""

    def __init__(self, node: Any) -> None:
        self._node = node
        for srv_type, name, callback in (
            (DescribeParameters, "describe_parameters", self._describe),
            (GetParameters, "get_parameters", self._get),
            (GetParameterTypes, "get_parameter_types", self._types),
            (ListParameters, "list_parameters", self._list),
            (SetParameters, "set_parameters", self._set),
            (SetParametersAtomically, "set_parameters_atomically", self._set_atomically),
        ):
            node.create_service(srv_type, f"~/{name}", callback, qos_profile=qos_profile_parameters)

    def _describe(self, request: Any, response: Any) -> Any:
        for name in request.names:
            try:
                response.descriptors.append(self._node.describe_parameter(name))
            except ParameterNotDeclaredException:
                response.descriptors = []
                return response
        return response

    def _get(self, request: Any, response: Any) -> Any:
        for name in request.names:
            try:
                response.values.append(self._node.get_parameter(name).get_parameter_value())
            except (ParameterNotDeclaredException, ParameterUninitializedException):
                response.values = []
                return response
        return response

    def _types(self, request: Any, response: Any) -> Any:
        for name in request.names:
            try:
                response.types.append(int(self._node.get_parameter_type(name)))
            except ParameterNotDeclaredException:
                response.types = []
                return response
        return response

    def _list(self, request: Any, response: Any) -> Any:
        response.result = self._node.list_parameters(request.prefixes, request.depth)
        return response

    def _set(self, request: Any, response: Any) -> Any:
        for message in request.parameters:
            try:
                (result,) = self._node.set_parameters([Parameter.from_parameter_msg(message)])
            except ParameterNotDeclaredException as error:
                result = SetParametersResult(successful=False, reason=str(error))
            response.results.append(result)
        return response

    def _set_atomically(self, request: Any, response: Any) -> Any:
        try:
            parameters = [Parameter.from_parameter_msg(message) for message in request.parameters]
            response.result = self._node.set_parameters_atomically(parameters)
        except ParameterNotDeclaredException as error:
            response.result = SetParametersResult(successful=False, reason=str(error))
        return response
