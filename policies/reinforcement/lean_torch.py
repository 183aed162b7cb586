"""Two operations of PyTorch with less around them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.optim.adam import adam

ONEDNN_WIDTH = 96
"""Width of a layer from which oneDNN's products gain more time than their start costs."""


def adam_step(optimizer: torch.optim.Optimizer) -> None:
    """`optimizer.step()` for a fused Adam of one group, without the hooks and checks that cost more than the step."""
    (group,) = optimizer.param_groups
    moved = [parameter for parameter in group["params"] if parameter.grad is not None]
    if not all(parameter in optimizer.state for parameter in moved):
        optimizer.step()
        return
    states = [optimizer.state[parameter] for parameter in moved]
    beta1, beta2 = group["betas"]
    adam(
        moved,
        [parameter.grad for parameter in moved],
        [state["exp_avg"] for state in states],
        [state["exp_avg_sq"] for state in states],
        [],
        [state["step"] for state in states],
        fused=True,
        amsgrad=False,
        beta1=beta1,
        beta2=beta2,
        lr=group["lr"],
        weight_decay=group["weight_decay"],
        eps=group["eps"],
        maximize=False,
    )


@contextmanager
def matmul_by_onednn(wanted: bool) -> Iterator[None]:
    """Within this context, float32 products of matrices may be done by oneDNN.

    PyTorch multiplies by MKL, which keeps to AVX2 on other makers' processors. Allowing bfloat16 factors
    makes it hand the product to oneDNN, which takes AVX-512 there and uses bfloat16 only with AMX.
    """
    settings = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
    before = settings.fp32_precision
    if wanted:
        settings.fp32_precision = "bf16"
    try:
        yield
    finally:
        settings.fp32_precision = before
