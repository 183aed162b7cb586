"""The layers of a transformer, normalised before each part, with attention by PyTorch's own fused product."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import relu, scaled_dot_product_attention


class Attention(nn.Module):
    """Multi-head attention of queries to a memory.

    Args:
        width: of every token.
        heads: that share the width.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.ask = nn.Linear(width, width)
        self.tell = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def forward(self, tokens: Tensor, memory: Tensor) -> Tensor:
        """(B, N, width) and (B, M, width) to (B, N, width)."""
        queries = self._split(self.ask(tokens))
        keys, values = (self._split(part) for part in self.tell(memory).chunk(2, dim=-1))
        mixed = scaled_dot_product_attention(queries, keys, values)  # (B, heads, N, width / heads)
        out: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return out

    def _split(self, tokens: Tensor) -> Tensor:
        return tokens.view(*tokens.shape[:2], self.heads, -1).transpose(1, 2)


class FeedForward(nn.Module):
    """The perceptron for each token.

    Args:
        width: of every token.
        inner: of the hidden layer.
    """

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(width, inner), nn.Linear(inner, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """(..., width) to (..., width)."""
        out: Tensor = self.second(relu(self.first(tokens)))
        return out


class TransformerLayer(nn.Module):
    """Self-attention, attention to a memory where there is one, and a perceptron for each token.

    Args:
        width: of every token.
        heads: of the attentions.
        inner: of the perceptron's hidden layer.
        cross: whether there is a memory.
        dropout: share of each part's output that is dropped in training.
    """

    def __init__(self, width: int, heads: int, inner: int, *, cross: bool = False, dropout: float = 0.0) -> None:
        super().__init__()
        self.own_norm, self.own = nn.LayerNorm(width), Attention(width, heads)
        self.cross_norm = nn.LayerNorm(width) if cross else None
        self.cross = Attention(width, heads) if cross else None
        self.each_norm, self.each = nn.LayerNorm(width), FeedForward(width, inner)
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor, memory: Tensor | None = None) -> Tensor:
        """(B, N, width) to (B, N, width)."""
        normed = self.own_norm(tokens)
        tokens = tokens + self.dropout(self.own(normed, normed))
        if self.cross is not None and self.cross_norm is not None and memory is not None:
            tokens = tokens + self.dropout(self.cross(self.cross_norm(tokens), memory))
        tokens = tokens + self.dropout(self.each(self.each_norm(tokens)))
        return tokens


def places(count: int, width: int) -> nn.Parameter:
    """(count, width) learned places of tokens."""
    return nn.Parameter(torch.randn(count, width) * 0.02)
