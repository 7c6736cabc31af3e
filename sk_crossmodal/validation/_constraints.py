"""Tables of constraints: each class states once, beside its `__init__`, what it accepts.

A constraint is called with the name and the value of a parameter, and raises TypeError or
ValueError if the value is not accepted.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeAlias

from ._numbers import check_number, check_size, check_sizes
from ._options import check_flag, check_option, check_registered

Constraint: TypeAlias = Callable[[str, Any], object]


def number(low: float, high: float | None = None, **kwargs: Any) -> Constraint:
    """Accept a finite number from `low` to `high`; `kwargs` are those of `check_number`."""
    return partial(check_number, low=low, high=high, **kwargs)


def options(*values: Any) -> Constraint:
    """Accept one of `values`."""
    return partial(check_option, options=values)


def registered(parts: Mapping[str, Any]) -> Constraint:
    """Accept the name of a part in a registry, also of one that users add later."""
    return partial(check_registered, parts=parts)


FLAG: Constraint = check_flag
SIZE: Constraint = check_size
SIZES: Constraint = check_sizes
SHARE: Constraint = number(0, 1)


def check_params(
    params: Mapping[str, Any], constraints: Mapping[str, Constraint], where: str = "{}"
) -> None:
    """Check each of `params` that has a constraint; `where` formats its name in errors."""
    for name, constraint in constraints.items():
        if name in params:
            constraint(where.format(name), params[name])
