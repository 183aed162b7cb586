"""An error is one line: where, what was expected, what came, what to do."""

import pickle

from geometry import InputError


def test_the_line_in_full() -> None:
    error = InputError("unproject", expected="depth_m (H, W)", got="(480, 640, 1)", remedy="index the last axis")
    assert str(error) == "unproject: expected depth_m (H, W), got (480, 640, 1); index the last axis"


def test_the_line_without_a_remedy() -> None:
    assert str(InputError("seed", expected="0 or more", got="-1")) == "seed: expected 0 or more, got -1"


def test_it_is_a_value_error_for_callers_who_know_nothing_of_it() -> None:
    assert issubclass(InputError, ValueError)


def test_it_comes_back_from_another_process_whole():
    """Worker processes send exceptions by pickle."""
    error = InputError("planner", expected="poses", got="none", remedy="return some")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is InputError and str(copy) == str(error) == "planner: expected poses, got none; return some"
