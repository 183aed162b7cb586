"""Settings as plain dataclasses: what fits, what does not, and how that is told."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from geometry import InputError
from ros_nodes.setting import check_settings, setting, settings_of


@dataclass(frozen=True, kw_only=True)
class Base:
    rate_hz: float = setting(5.0, "How often, Hz.", low=0.1, high=30.0)
    count: int = setting(3, "How many.", low=1)
    mode: str = setting("near", "Which.", choices=("near", "far"), read_only=True)
    on: bool = setting(True, "Whether.")
    anything: float = setting(0.0, "Any number.")

    def __post_init__(self) -> None:
        check_settings(self)


@dataclass(frozen=True, kw_only=True)
class Derived(Base):
    box_m: tuple[float, float, float] = setting((0.1, 0.2, 0.3), "Size, m.", low=0.0)
    names: tuple[str, ...] = setting((), "Names.")
    weights: tuple[int, ...] = setting((1, 2), "Weights.", choices=(1, 2, 3))


def test_inherited_settings_come_first_and_all_are_known() -> None:
    known = settings_of(Derived)
    assert list(known) == ["rate_hz", "count", "mode", "on", "anything", "box_m", "names", "weights"]
    assert (known["rate_hz"].scalar, known["rate_hz"].low, known["rate_hz"].high) == (float, 0.1, 30.0)
    assert known["mode"].read_only and not known["count"].read_only
    assert (known["box_m"].is_array, known["box_m"].length, known["names"].length) == (True, 3, None)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"rate_hz": 5}, "parameter rate_hz: expected a decimal number from 0.1 to 30.0, got 5"),
        ({"rate_hz": 30.5}, "got 30.5"),
        ({"rate_hz": float("nan")}, "got nan"),
        ({"rate_hz": float("inf")}, "got inf"),
        ({"anything": float("nan")}, "parameter anything: expected a decimal number, got nan"),
        ({"anything": float("-inf")}, "got -inf"),
        ({"count": 0}, "a whole number of at least 1, got 0"),
        ({"count": 2.0}, "a whole number of at least 1, got 2.0"),
        ({"count": True}, "got True"),
        ({"mode": "elsewhere"}, "parameter mode: expected one of 'near', 'far', got 'elsewhere'"),
        ({"on": 1}, "true or false, got 1"),
        ({"box_m": (0.1, 0.2)}, "parameter box_m: expected 3 numbers, each a decimal number of at least 0.0"),
        ({"box_m": (0.1, 0.2, -0.3)}, "got (0.1, 0.2, -0.3)"),
        ({"box_m": [0.1, 0.2, 0.3]}, "got [0.1, 0.2, 0.3]"),
        ({"names": ("a", 1)}, "a list, each text, got ('a', 1)"),
        ({"weights": (1, 4)}, "each one of 1, 2, 3, got (1, 4)"),
    ],
)
def test_what_does_not_fit(fields: dict, said: str) -> None:
    with pytest.raises(InputError) as caught:
        Derived(**fields)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_what_fits() -> None:
    settings = Derived(rate_hz=np.float64(0.1), count=10**9, mode="far", names=("a", "b"), weights=())
    assert settings.names == ("a", "b") and settings.rate_hz == 0.1
    assert Derived(rate_hz=30.0, box_m=(0.0, 1.0, 2.0)).box_m == (0.0, 1.0, 2.0)


def test_a_field_that_is_no_setting_is_a_defect() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Plain:
        rate_hz: float = field(default=1.0)

    with pytest.raises(TypeError, match="Plain.rate_hz: every field is made by"):
        settings_of(Plain)


@dataclass(frozen=True, kw_only=True)
class Odd:
    table: dict = setting({}.copy, "A table.")


@dataclass(frozen=True, kw_only=True)
class Mixed:
    pair: tuple[int, str] = setting((1, "a"), "A pair.")


@pytest.mark.parametrize("cls", [Odd, Mixed])
def test_a_type_that_no_parameter_has_is_a_defect(cls: type) -> None:
    with pytest.raises(TypeError, match="a ROS parameter is bool, int, float, str or a tuple of one of them"):
        settings_of(cls)
