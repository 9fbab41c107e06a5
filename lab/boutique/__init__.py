"""The boutique: a synthetic shop whose truth is known. Everything measured on it is *simulated*."""

from lab.boutique.generation import Summary, generate

__all__ = ["Summary", "generate"]
