"""Encoders and losses by the names that a project file and the command line know; torch is not needed to know them."""

from typing import Literal

EncoderName = Literal["densenet2d", "dilated1d", "resnet1d", "resnet2d"]
LossName = Literal[
    "class-reweighting",
    "class-reweighting-mixup",
    "generalized-cross-entropy",
    "instance-reweighting",
    "self-training",
    "soft-cross-entropy",
    "symmetric-cross-entropy",
]
"""Losses that need no more than their name; forward correction needs the labels' confusion as well."""
