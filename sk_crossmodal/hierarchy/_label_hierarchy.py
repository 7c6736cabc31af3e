"""LabelHierarchy: labels with their parents and children."""

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping
from functools import cached_property
from typing import Any, Self

import numpy as np
from scipy.sparse import csr_array, vstack

from .._types import Array
from ._graph import as_parents, children_of, nearest_kept, reachable, topological_order
from ._paths import Path, check_separator, path_tree
from ._samples import Resolve, as_samples, count_labels
from ._state import get_state, read_state


class UnknownNodeError(ValueError, KeyError):
    """A node that is not in the hierarchy: both a wrong value and a missing key."""

    __str__ = ValueError.__str__  # a KeyError shows its message in quotes


class LabelHierarchy:
    """A hierarchy of labels, where a label may have several parents.

    The hierarchy is a directed acyclic graph. It is immutable, hashable and picklable.

    Parameters
    ----------
    parents : mapping of hashable to iterable of hashable
        The parents of every node; those of a root are empty. Every parent must be a key.
    names : mapping of hashable to str, default=None
        Display names of nodes. The default name of a node is ``str(node)``.

    Attributes
    ----------
    nodes : tuple of hashable
        The nodes in the order of `parents`, which is also the order of arrays and matrices.
    levels : ndarray of int, shape (n_nodes,)
        Level of each node: 0 for a root, otherwise the number of edges on the *longest* path to
        a root, so that a node is always on a deeper level than all its ancestors.
    n_levels : int
        The number of levels.
    roots : tuple of hashable
        The nodes without parents.
    display_names : list of str
        The display name of each node.

    Raises
    ------
    TypeError
        If `parents` or `names` have the wrong type.
    ValueError
        If there are no nodes, a parent is not a node, or the parents form a cycle.

    Examples
    --------
    >>> from sk_crossmodal.hierarchy import LabelHierarchy
    >>> hierarchy = LabelHierarchy({"sport": [], "game": [], "chess": ["sport", "game"]})
    >>> hierarchy
    LabelHierarchy(n_nodes=3, n_roots=2, n_levels=2)
    >>> hierarchy.ancestors("chess")
    ('sport', 'game')
    >>> hierarchy.levels
    array([0, 0, 1])
    """

    def __init__(
        self,
        parents: Mapping[Any, Iterable[Any]],
        *,
        names: Mapping[Any, str] | None = None,
    ) -> None:
        self._parents = as_parents(parents)
        self._children = children_of(self._parents)
        self._order = topological_order(self._parents)
        self._index = {node: i for i, node in enumerate(self._parents)}
        self._names = self._as_names(names)
        # node that `subset` removed -> its nearest ancestors that were kept
        self._left_out: dict[Any, tuple[Any, ...]] = {}
        self.nodes = tuple(self._parents)
        self.roots = tuple(node for node, above in self._parents.items() if not above)
        self.levels = self._longest_paths_to_root()
        self.n_levels = int(self.levels.max()) + 1

    @classmethod
    def from_paths(cls, paths: Iterable[Path], *, separator: str = ":") -> Self:
        """Build the tree of label paths, with all their ancestors.

        Parameters
        ----------
        paths : iterable of str or of tuple of str
            Label paths, from the root on, such as ``"Transport:Land:Car"`` or
            ``("Transport", "Land", "Car")``; all of the same form.
        separator : str, default=":"
            The string between the names of a path.

        Returns
        -------
        hierarchy : LabelHierarchy
            Its nodes are the full paths, in the form given and in tree order: a node is followed
            by all its descendants, and siblings are sorted by name. The display name of a tuple
            is joined by the separator.

        Raises
        ------
        TypeError
            If a path is neither a string nor a tuple of strings.
        ValueError
            If there are no paths, both forms are mixed, or a name is empty.

        Examples
        --------
        >>> from sk_crossmodal.hierarchy import LabelHierarchy
        >>> LabelHierarchy.from_paths(["Transport:Land:Car", "Sport"]).nodes
        ('Sport', 'Transport', 'Transport:Land', 'Transport:Land:Car')
        """
        check_separator(separator)
        if isinstance(paths, str) or not isinstance(paths, Iterable):
            single = "the single string " if isinstance(paths, str) else ""
            raise TypeError(f"paths must be an iterable of paths, got {single}{paths!r:.80}.")
        parents = path_tree(paths, separator)
        names = {path: separator.join(path) for path in parents if isinstance(path, tuple)}
        return cls(parents, names=names)

    @property
    def display_names(self) -> list[str]:
        """The display name of each node."""
        return [self._names.get(node, str(node)) for node in self.nodes]

    def index(self, node: Hashable) -> int:
        """Return the position of a node in `nodes`.

        Parameters
        ----------
        node : hashable
            A node.

        Returns
        -------
        index : int
            Its position.

        Raises
        ------
        TypeError
            If it cannot be hashed.
        ValueError
            If it is not a node. The error is also a KeyError.
        """
        try:
            return self._index[node]
        except KeyError:
            raise UnknownNodeError(f"{node!r} is not a node of {self}.") from None
        except TypeError:
            raise TypeError(f"a node must be hashable, got {node!r:.80}.") from None

    def parents(self, node: Hashable) -> tuple[Any, ...]:
        """Return the parents of a node.

        Parameters
        ----------
        node : hashable
            A node; anything else raises ValueError.

        Returns
        -------
        parents : tuple of hashable
            Its parents, in the order given; empty for a root.
        """
        self.index(node)
        return self._parents[node]

    def children(self, node: Hashable) -> tuple[Any, ...]:
        """Return the children of a node.

        Parameters
        ----------
        node : hashable
            A node; anything else raises ValueError.

        Returns
        -------
        children : tuple of hashable
            Its children, in the order of `nodes`.
        """
        self.index(node)
        return tuple(self._children[node])

    def ancestors(self, node: Hashable) -> tuple[Any, ...]:
        """Return all ancestors of a node.

        Parameters
        ----------
        node : hashable
            A node; anything else raises ValueError.

        Returns
        -------
        ancestors : tuple of hashable
            Its ancestors, in the order of `nodes`, without the node itself.
        """
        self.index(node)
        return tuple(sorted(reachable(node, self._parents), key=self._index.__getitem__))

    def descendants(self, node: Hashable) -> tuple[Any, ...]:
        """Return all descendants of a node.

        Parameters
        ----------
        node : hashable
            A node; anything else raises ValueError.

        Returns
        -------
        descendants : tuple of hashable
            Its descendants, in the order of `nodes`, without the node itself.
        """
        self.index(node)
        return tuple(sorted(reachable(node, self._children), key=self._index.__getitem__))

    def closure_matrix(self) -> csr_array:
        """Mark, for every node, the node and all its ancestors.

        Returns
        -------
        closure : csr_array of bool, shape (n_nodes, n_nodes)
            Row i is True at i and at all ancestors of node i. A label indicator times this
            matrix has all ancestors of its labels.

        Examples
        --------
        >>> from sk_crossmodal.hierarchy import LabelHierarchy
        >>> LabelHierarchy({"a": [], "b": ["a"]}).closure_matrix().toarray()
        array([[ True, False],
               [ True,  True]])
        """
        rows: dict[Any, Array] = {}
        for node in self._order:
            above = [rows[parent] for parent in self._parents[node]]
            merged = np.concatenate([*above, [self._index[node]]], dtype=np.int32)
            rows[node] = np.unique(merged) if len(above) > 1 else merged
        columns = [rows[node] for node in self.nodes]
        indptr = np.cumsum([0, *map(len, columns)])
        indices = np.concatenate(columns)
        shape = (len(self), len(self))
        closure = csr_array((np.ones(len(indices), dtype=bool), indices, indptr), shape=shape)
        closure.sort_indices()
        return closure

    def root_matrix(self) -> csr_array:
        """Mark, for every node, its roots.

        Returns
        -------
        roots : csr_array of bool, shape (n_nodes, n_roots)
            True where the root, in the order of `roots`, is the node itself or an ancestor.
        """
        return self.closure_matrix()[:, [self._index[root] for root in self.roots]]

    def indicator_matrix(self, label_sets: Any) -> csr_array:
        """Mark, for every sample, its labels and all their ancestors.

        Parameters
        ----------
        label_sets : sequence of n_samples collections of nodes
            The labels of each sample. A set may be empty, a single string is a set of one label.
            Labels that `subset` removed count for their nearest ancestors that were kept.

        Returns
        -------
        Y : csr_array of int64, shape (n_samples, n_nodes)
            1 where the node or one of its descendants is in the set.

        Raises
        ------
        TypeError
            If `label_sets`, a sample or a label has the wrong type.
        ValueError
            If there are no samples or a label is not a node.

        Examples
        --------
        >>> from sk_crossmodal.hierarchy import LabelHierarchy
        >>> hierarchy = LabelHierarchy.from_paths(["Sport", "Transport:Air"])
        >>> hierarchy.indicator_matrix([["Transport:Air"], ["Sport", "Transport"]]).toarray()
        array([[0, 1, 1],
               [1, 1, 0]])
        """

        def resolve(label: Any, i: int) -> int | None:
            raise ValueError(f"sample {i} has the label {label!r}, which is not a node of {self}.")

        return self._mark(as_samples(label_sets), resolve)

    def _mark(self, samples: list[Collection[Any]], resolve: Resolve) -> csr_array:
        """Return the indicator of checked samples; `resolve` treats labels without a row."""
        Y = count_labels(samples, self._rows, resolve) @ self._columns_of_rows
        Y = Y.astype(np.int64)
        Y.data[:] = 1  # also where several descendants of a label are in the set
        Y.sort_indices()
        return Y

    @cached_property
    def _rows(self) -> dict[Any, int]:
        """Row of every known label in `_columns_of_rows`."""
        return {label: i for i, label in enumerate([*self.nodes, *self._left_out])}

    @cached_property
    def _columns_of_rows(self) -> csr_array:
        """Columns of the node and its ancestors, or of the kept ancestors of a removed node."""
        closure = self.closure_matrix().astype(np.int32)
        if not self._left_out:
            return closure
        columns = [[self._index[node] for node in nodes] for nodes in self._left_out.values()]
        indptr = np.cumsum([0, *map(len, columns)])
        indices = np.concatenate(columns).astype(np.int32)
        ones = np.ones(len(indices), dtype=np.int32)
        removed = csr_array((ones, indices, indptr), shape=(len(columns), len(self)))
        return csr_array(vstack([closure, removed @ closure]))

    def subset(self, nodes: Iterable[Hashable]) -> Self:
        """Return the hierarchy of some of the nodes.

        Parameters
        ----------
        nodes : iterable of hashable
            The nodes to keep, in their new order.

        Returns
        -------
        hierarchy : LabelHierarchy
            The parents of a node are its nearest kept ancestors, which can be reached without
            passing another kept node. So the ancestors of a node stay its ancestors. Levels are
            computed again. `indicator_matrix` still accepts the removed nodes.

        Raises
        ------
        TypeError
            If `nodes` is a string or not iterable, or a node cannot be hashed.
        ValueError
            If `nodes` is empty, contains an unknown node, or contains a node twice.

        Examples
        --------
        >>> from sk_crossmodal.hierarchy import LabelHierarchy
        >>> hierarchy = LabelHierarchy.from_paths(["Transport:Land:Car"])
        >>> hierarchy.subset(["Transport:Land:Car", "Transport"]).parents("Transport:Land:Car")
        ('Transport',)
        """
        if isinstance(nodes, str) or not isinstance(nodes, Iterable):
            raise TypeError(f"nodes must be an iterable of nodes, got {nodes!r:.80}.")
        # The nodes themselves, not equal ones such as np.int64 for int.
        kept = [self.nodes[self.index(node)] for node in nodes]
        if twice := [node for node, count in Counter(kept).items() if count > 1]:
            raise ValueError(f"nodes must be different, got {twice[0]!r} twice.")
        nearest = nearest_kept(self._parents, self._order, set(kept))
        names = {node: self._names[node] for node in kept if node in self._names}
        part = type(self)({node: nearest[node] for node in kept}, names=names)
        # A node that an earlier subset removed counts for nodes that may be removed now.
        counts_for = {node: (node,) for node in self.nodes} | self._left_out
        part._left_out = {
            label: tuple(
                dict.fromkeys(n for at in nodes for n in ((at,) if at in part else nearest[at]))
            )
            for label, nodes in counts_for.items()
            if label not in part
        }
        return part

    def _as_names(self, names: Mapping[Any, str] | None) -> dict[Any, str]:
        if not isinstance(names, Mapping | None):
            raise TypeError(f"names must map nodes to str or be None, got {names!r:.80}.")
        for node, name in (names or {}).items():
            if node not in self._index:
                raise ValueError(f"names has {node!r}, which is not among the nodes.")
            if not isinstance(name, str):
                raise TypeError(f"the name of {node!r} must be a str, got {name!r}.")
        return dict(names or {})

    def _longest_paths_to_root(self) -> Array:
        levels = np.zeros(len(self._parents), dtype=np.intp)
        for node in self._order:
            above = [levels[self._index[parent]] + 1 for parent in self._parents[node]]
            levels[self._index[node]] = max(above, default=0)
        levels.flags.writeable = False
        return levels

    def __len__(self) -> int:
        return len(self.nodes)

    def __contains__(self, node: object) -> bool:
        return node in self._index

    def __eq__(self, other: object) -> bool:
        """Compare the ordered nodes, parents, display names and the nodes removed by `subset`."""
        if not isinstance(other, LabelHierarchy):
            return NotImplemented
        return (
            self.nodes == other.nodes
            and all(set(self._parents[n]) == set(other._parents[n]) for n in self.nodes)
            and self.display_names == other.display_names
            and self._left_out == other._left_out
        )

    def __hash__(self) -> int:
        return hash(self.nodes)

    def __repr__(self) -> str:
        sizes = f"n_nodes={len(self)}, n_roots={len(self.roots)}, n_levels={self.n_levels}"
        return f"{type(self).__name__}({sizes})"

    # Everything else can be computed from these; a pickle of them is a third of the size.
    def __getstate__(self) -> dict[str, Any]:
        return {"parents": self._parents, "names": self._names, "left_out": self._left_out}

    def __setstate__(self, state: dict[str, Any]) -> None:
        LabelHierarchy.__init__(self, state["parents"], names=state["names"])
        self._left_out = state["left_out"]

    def _get_state(self) -> dict[str, Any]:
        return get_state(self._parents, self._names, self._left_out)

    def _set_state(self, state: dict[str, Any]) -> None:
        self.__setstate__(read_state(state))
