"""load_store: the videos of a store with their labels."""

import os
from itertools import pairwise
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from ..multimodal import Store

LABELS = "labels"  # the attribute of a store with the names of the columns of its indicator


def load_store(path: str | os.PathLike[str]) -> Bunch:
    """Open a store of videos, with the labels of each video.

    Parameters
    ----------
    path : path-like
        The folder, as written by :func:`load_embeddings`, :func:`load_youtube8m`,
        :meth:`~sk_crossmodal.multimodal.MultimodalArray.save` or a
        :class:`~sk_crossmodal.multimodal.StoreWriter`.

    Returns
    -------
    bunch : sklearn.utils.Bunch
        With n videos:

        - ``data``: :class:`~sk_crossmodal.multimodal.MultimodalArray` of shape (n,), whose
          frames stay on disk.
        - ``target``: list of n tuples, the labels of each video, such as label paths, if the
          store's attribute ``labels`` names its columns; without it the numbers of the columns,
          as vocabulary indices. None if the store has no labels.
        - ``ids``: ndarray of str of shape (n,), or None.
        - ``attributes``: dict, the attributes given when the store was written.

    Raises
    ------
    TypeError
        If `path` is not a path.
    FileNotFoundError
        If there is no such folder.
    ValueError
        If it is not a store, not finished, or damaged, or if it does not name all its labels.

    See Also
    --------
    sk_crossmodal.multimodal.Store : A store with its labels as an indicator.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from sk_crossmodal.datasets import load_store
    >>> from sk_crossmodal.multimodal import MultimodalArray
    >>> X = MultimodalArray.from_frames({"video": np.ones((3, 4))}, {"video": [2, 1]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     X.save(f"{folder}/store", y=[[0, 1], [1, 1]])
    ...     load_store(f"{folder}/store").target
    [(1,), (0, 1)]
    """
    store = Store.open(path)
    target = None if store.target is None else label_sets(store)
    return Bunch(data=store.data, target=target, ids=store.ids, attributes=store.attributes)


def label_sets(store: Store) -> list[tuple[Any, ...]]:
    """Return the labels of each video of a store with labels; equal ones are one object."""
    indicator: Any = store.target
    names = store.attributes.get(LABELS)
    known, positions = np.unique(indicator.indices, return_inverse=True)
    labels = known.astype(object)
    if names is not None:
        if not isinstance(names, list) or len(names) != indicator.shape[1]:
            n = indicator.shape[1]
            raise ValueError(f"The store at {store.path} does not name all its {n} labels.")
        labels = np.fromiter((names[i] for i in known), dtype=object, count=len(known))
    flat = labels[positions].tolist()
    return [tuple(flat[first:last]) for first, last in pairwise(indicator.indptr.tolist())]
