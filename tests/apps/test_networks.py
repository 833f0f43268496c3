"""What a project file may name is what there is to train with."""

from typing import get_args

import pytest

from sidelight.apps.networks import EncoderName, LossName

pytest.importorskip("torch", reason="the train extra is not installed")


def test_every_encoder_has_a_name_in_the_project_file():
    from sidelight.crossmodal import ENCODERS

    assert sorted(ENCODERS) == list(get_args(EncoderName))


def test_every_loss_but_the_one_that_needs_a_confusion_has_a_name_in_the_project_file():
    from sidelight.crossmodal import LOSSES

    assert sorted(set(LOSSES) - {"forward-correction"}) == list(get_args(LossName))
