"""Training a net that has been built."""

from typing import Any

import torch
from skorch.callbacks import Callback
from skorch.helper import predefined_split

from ._data import FrameDataset
from ._device import seeded
from ._interruption import InterruptionNotice
from ._net import MultimodalNet


def train(
    net: MultimodalNet,
    train_set: FrameDataset,
    valid_set: FrameDataset | None,
    random_state: dict[str, Any],
    hooks: dict[str, Callback],
    *,
    resumable: bool = False,
) -> None:
    """Train until the last epoch, early stopping or Ctrl-C; ValueError if training diverges."""
    net.start_callbacks()
    users = net.callbacks_
    # The hooks come first: they see the end of training before early stopping restores weights.
    notice = ("own_interruption", InterruptionNotice(resumable=resumable))
    net.callbacks_ = [*hooks.items(), *users, notice]
    if valid_set is not None:
        net.train_split = predefined_split(valid_set)
    with seeded(random_state):
        if net.processes.index:  # each process draws other numbers for dropout
            torch.manual_seed(torch.initial_seed() + net.processes.index)
        net.partial_fit(train_set, y=None)
    net.check_weights()
    # A fitted net keeps neither the data nor the user's scikit-learn callbacks.
    net.train_split, net.callbacks_ = None, users
