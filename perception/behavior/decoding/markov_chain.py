"""The plain hidden Markov model, the case of geometric durations: the same answers at a twentieth of the cost.

Scaled forward-backward (Rabiner, Proceedings of the IEEE 77, 1989). Weights below e^-700 of the best are lost, which is
harmless as long as every label may follow every other.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray
from perception.behavior.decoding.semi_markov import LogTables

_LEAST_LOG_CHANCE = -100.0


def is_markov_chain(tables: LogTables) -> bool:
    """Whether the tables are a plain Markov chain that the functions of this room may take."""
    others = tables.transition[~np.eye(len(tables.initial), dtype=bool)]
    return len(tables.length) == 1 and bool((others > _LEAST_LOG_CHANCE).all() and len(others))


def chain_matrix(tables: LogTables) -> FloatArray:
    """(S, S) P(next frame's label | this frame's)."""
    return np.diag(np.exp(tables.survival[1])) + np.exp(tables.length[0][:, None] + tables.transition)


def chain_posteriors(emissions: FloatArray, tables: LogTables) -> tuple[float, FloatArray, FloatArray]:
    """Log-likelihood, chance of each label at each frame (T, S), expected number of changes (S, S)."""
    matrix, total = chain_matrix(tables), len(emissions)
    top = emissions.max(axis=1)
    likelihood = np.exp(emissions - top[:, None])
    forward, backward, scale = np.empty(emissions.shape), np.ones(emissions.shape), np.empty(total)
    ahead = np.exp(tables.initial)
    for t in range(total):
        weight = ahead * likelihood[t]
        scale[t] = weight.sum()
        forward[t] = weight / scale[t]
        ahead = forward[t] @ matrix
    for t in range(total - 2, -1, -1):
        backward[t] = matrix @ (likelihood[t + 1] * backward[t + 1]) / scale[t + 1]
    frames = forward * backward
    frames /= frames.sum(axis=1, keepdims=True)
    onward = likelihood[1:] * backward[1:] / scale[1:, None]
    changes = matrix * (1.0 - np.eye(len(matrix))) * (forward[:-1].T @ onward)
    return float(np.log(scale).sum() + top.sum()), frames, changes


def chain_best_path(emissions: FloatArray, tables: LogTables) -> tuple[NDArray[np.int_], float]:
    """Viterbi path (T,) and its log probability together with the frames."""
    with np.errstate(divide="ignore"):
        steps = np.log(chain_matrix(tables)).T
    weight = tables.initial + emissions[0]
    came = np.zeros(emissions.shape, dtype=int)
    for t in range(1, len(emissions)):
        arrivals = steps + weight
        came[t] = arrivals.argmax(axis=1)
        weight = arrivals.max(axis=1) + emissions[t]
    path = np.zeros(len(emissions), dtype=int)
    path[-1] = int(weight.argmax())
    for t in range(len(emissions) - 1, 0, -1):
        path[t - 1] = came[t, path[t]]
    return path, float(weight.max())
