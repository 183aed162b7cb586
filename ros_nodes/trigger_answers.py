"""Answers of std_srvs/Trigger from jobs that say what they did or why they could not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from geometry import InputError


def answering(job: Callable[[], str]) -> Callable[[Any, Any], Any]:
    """The callback of a Trigger service.

    Args:
        job: says what it did; an InputError that it raises becomes the answer, without success.
    """

    def answer(_: Any, response: Any) -> Any:
        try:
            response.message, response.success = job(), True
        except InputError as error:
            response.message, response.success = str(error), False
        return response

    return answer
