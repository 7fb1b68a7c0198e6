"""Ten thousand damaged inputs for every decoder; ``make soak`` feeds a million (decoders.py)."""

from __future__ import annotations

import random

import pytest
from soak.decoders import Target, run, targets

INPUTS = 10_000
FRESH = 500  # nobody has tried these before; a finding names its seed
# An input of these is many messages, or a whole document: fewer of them say as much.
FEWER = {"machine": 20, "cib": 4, "patch": 4, "corosync.conf": 2}


@pytest.mark.parametrize("target", targets(), ids=lambda target: target.name)
def test_a_decoder_refuses_by_its_own_errors_alone(target: Target) -> None:
    run(target, seed=1, inputs=INPUTS // FEWER.get(target.name, 1))
    run(target, seed=random.SystemRandom().randrange(10**9), inputs=FRESH // 10)
