"""What can be chosen by name. Imports nothing, so that command lines can name it without waiting."""

from typing import Literal

HistoryEncoderKind = Literal["transformer", "lstm", "gru"]
"""How the fusion model reads a visitor's recent actions."""

Compression = Literal["none", "float16", "int8", "distilled"]
"""What is served instead of the model as trained: the same with weights of 2 bytes or 1, or a smaller student of it."""
