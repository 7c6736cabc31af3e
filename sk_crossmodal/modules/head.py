"""The layers between the encoders and the logits."""

from collections.abc import Callable
from typing import ClassVar, Self

from torch import nn

from .._registry import Registry
from .layers import Dropout


class Head(nn.Module):
    """Base class of heads, which turn the encoders' outputs into logits.

    To add a head, subclass this class and call ``HEADS.register("name", MyHead)``. The constructor
    takes ``(in_features, n_outputs, *, hidden_size, dropout)``.

    Attributes
    ----------
    output_layer : str
        Name of the child module whose weights depend on the outputs.

    Notes
    -----
    Shape: ``(B, in_features)``, the encoders' outputs side by side, to ``(B, n_outputs)``.

    Examples
    --------
    >>> from torch import nn
    >>> from sk_crossmodal.modules import HEADS
    >>> class LinearHead(Head):
    ...     output_layer = "linear"
    ...
    ...     def __init__(self, in_features, n_outputs, *, hidden_size, dropout):
    ...         super().__init__()
    ...         self.linear = nn.Linear(in_features, n_outputs)
    ...
    ...     def forward(self, x):
    ...         return self.linear(x)
    """

    output_layer: ClassVar[str]

    def __init__(self) -> None:  # torch's takes any arguments
        super().__init__()

    def copy_from(self, other: Self) -> None:
        """Copy the weights of a head of the same sizes, except those of the output layer."""
        prefix = f"{self.output_layer}."
        own = {name: each for name, each in self.state_dict().items() if name.startswith(prefix)}
        self.load_state_dict({**other.state_dict(), **own})


class MLPHead(nn.Sequential, Head):
    """Dropout and a ReLU layer, then dropout and a linear layer."""

    output_layer = "4"

    def __init__(
        self, in_features: int, n_outputs: int, *, hidden_size: int = 512, dropout: float = 0.1
    ) -> None:
        super().__init__(
            Dropout(dropout),
            nn.Linear(in_features, hidden_size),
            nn.ReLU(),
            Dropout(dropout),
            nn.Linear(hidden_size, n_outputs),
        )


HEADS: Registry[Callable[..., Head]] = Registry("head", mlp=MLPHead)
