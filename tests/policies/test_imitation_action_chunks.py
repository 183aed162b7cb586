"""How chunks become actions, against weights worked out by hand."""

import numpy as np
import pytest

from geometry import InputError
from policies.imitation.action_chunks import ActionChunks


def chunk(*numbers: float) -> np.ndarray:
    return np.array(numbers, dtype=np.float32)[:, None]


def test_a_queue_gives_the_first_actions_in_order_then_asks_again() -> None:
    chunks, given = ActionChunks(execute=2), []
    for start in (0.0, 10.0):
        assert chunks.wants_chunk
        chunks.add(chunk(start, start + 1, start + 2))
        assert not chunks.wants_chunk
        given += [float(chunks.next()[0]), float(chunks.next()[0])]
    assert given == [0.0, 1.0, 10.0, 11.0]


def test_the_ensemble_weighs_the_oldest_chunk_most() -> None:
    rate = 0.5
    chunks = ActionChunks(execute=1, ensemble_rate=rate)
    chunks.add(chunk(0, 1, 2))
    assert chunks.next()[0] == 0.0
    chunks.add(chunk(10, 11, 12))  # for this step the first chunk foresaw 1, this one 10
    w = np.exp(-rate)
    assert chunks.next()[0] == pytest.approx((1 + w * 10) / (1 + w))
    chunks.add(chunk(20, 21, 22))
    assert chunks.next()[0] == pytest.approx((2 + w * 11 + w**2 * 20) / (1 + w + w**2))
    chunks.add(chunk(30, 31, 32))  # the first chunk has come to its end
    assert chunks.next()[0] == pytest.approx((12 + w * 21 + w**2 * 30) / (1 + w + w**2))


def test_an_ensemble_asks_at_every_step_and_reset_forgets() -> None:
    for chunks in (ActionChunks(execute=1, ensemble_rate=0.01), ActionChunks(execute=3)):
        chunks.add(chunk(1, 2, 3))
        chunks.next()
        chunks.reset()
        assert chunks.wants_chunk
        chunks.add(chunk(7, 8, 9))
        assert chunks.next()[0] == 7.0


def test_bad_settings_are_named() -> None:
    with pytest.raises(InputError, match="execute of at least 1"):
        ActionChunks(execute=0)
    with pytest.raises(InputError, match="finite ensemble_rate"):
        ActionChunks(execute=1, ensemble_rate=float("nan"))
