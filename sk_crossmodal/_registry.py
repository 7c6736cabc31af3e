"""Registries: exchangeable parts by the name that users type and model files hold."""

from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

Part = TypeVar("Part")


class Registry(Mapping[str, Part], Generic[Part]):
    """A mapping of names to parts of one kind, to which users may add their own.

    Parameters
    ----------
    kind : str
        The noun in error messages, such as "fusion".
    **parts : object
        The parts that the package has.

    Examples
    --------
    >>> shapes = Registry("shape", circle=0)
    >>> shapes.register("square", 4)
    4
    >>> list(shapes), shapes.name_of(4)
    (['circle', 'square'], 'square')
    """

    def __init__(self, kind: str, **parts: Part):
        self.kind, self._parts = kind, dict(parts)

    def register(self, name: str, part: Part) -> Part:
        """Add a part under a new name.

        Parameters
        ----------
        name : str
            The name that users type.
        part : object
            The part.

        Returns
        -------
        object
            The part itself.

        Raises
        ------
        TypeError
            If the name is not a str.
        ValueError
            If another part has the name.
        """
        if not isinstance(name, str):
            raise TypeError(f"The name of a {self.kind} must be a str, got {name!r}.")
        if self._parts.get(name, part) is not part:
            raise ValueError(f"There is already another {self.kind} named {name!r}.")
        self._parts[name] = part
        return part

    def name_of(self, part: Any) -> str | None:
        """Return the name of a part, or None if it is not registered.

        Parameters
        ----------
        part : object
            The part.

        Returns
        -------
        str or None
            The name.
        """
        return next((name for name, each in self._parts.items() if each is part), None)

    def __getitem__(self, name: str) -> Part:
        try:
            return self._parts[name]
        except KeyError:
            raise KeyError(
                f"No {self.kind} is registered as {name!r}, only {list(self._parts)}; register "
                "yours before it is used or loaded."
            ) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def __repr__(self) -> str:
        return f"Registry({self.kind!r}, {list(self._parts)})"
