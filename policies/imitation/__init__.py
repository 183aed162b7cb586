"""Imitation: policies learned from demonstrations."""
