"""join_modalities and concatenate_videos: several data sets as one."""

import warnings
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from sklearn.utils import Bunch

from ..multimodal import MultimodalArray, as_multimodal, side_by_side_rows
from ._stored import LABELS


def join_modalities(bunches: Iterable[Bunch], *, names: Sequence[str] | None = None) -> Bunch:
    """Join the modalities of several data sets of the same videos, by the ids of the videos.

    A video that a data set does not have is without frames in the modalities of this data set.
    Frames are shared, those of stores are not read.

    Parameters
    ----------
    bunches : iterable of Bunch
        Data sets as the load functions return them, with ``data``, ``ids`` and maybe ``target``.
        Each video has an id of its own. Each modality is in one data set only.
    names : sequence of str, default=None
        Names of the data sets for error messages, such as their files.

    Returns
    -------
    bunch : sklearn.utils.Bunch
        With n videos, those of the first data set, then further ones of the second, and so on:

        - ``data``: :class:`~sk_crossmodal.multimodal.MultimodalArray` of shape (n,).
        - ``target``: list of n tuples, the labels of each video; None if no data set has labels.
        - ``ids``: ndarray of str of shape (n,).
        - ``n_missing``: dict, per modality the number of videos that its data set does not have.

    Raises
    ------
    TypeError
        If an item is not a data set.
    ValueError
        If there are no data sets or no ids, an id is given twice in one data set, a data set has
        no id of any other, a modality is in two, a video has different labels in two, or some
        labels are strings and others numbers.

    Warns
    -----
    UserWarning
        If a data set and the others have few ids in common, fewer than half of those of the
        smaller.

    See Also
    --------
    concatenate_videos : Data sets of the same modalities, one after another.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.utils import Bunch
    >>> from sk_crossmodal.datasets import join_modalities
    >>> from sk_crossmodal.multimodal import as_multimodal
    >>> clip = Bunch(data=as_multimodal({"clip": np.ones((2, 3, 4))}), ids=["a", "b"])
    >>> clap = Bunch(data=as_multimodal({"clap": np.ones((2, 1, 2))}), ids=["b", "c"])
    >>> joined = join_modalities([clip, clap])
    >>> joined.ids.tolist(), joined.n_missing
    (['a', 'b', 'c'], {'clip': 1, 'clap': 1})
    >>> joined.data.lengths("clip")
    array([3, 3, 0])
    """
    parts, names = _as_bunches(bunches, names)
    for part, name in zip(parts, names, strict=True):
        if part.ids is None:
            raise ValueError(f"{name} has no ids, which say what belongs together.")
        _check_unique(part.ids, name)
    counts = Counter(modality for part in parts for modality in part.data.modality_names)
    if twice := [modality for modality, count in counts.items() if count > 1]:
        raise ValueError(f"the modality {twice[0]!r} is in several of {names}; select others.")
    _check_one_kind(parts, names)
    rows = [{each: i for i, each in enumerate(part.ids)} for part in parts]
    _check_common(rows, names)
    ids = list(dict.fromkeys(each for known in rows for each in known))
    positions = [np.array([known.get(each, -1) for each in ids], np.int64) for known in rows]
    pairs = list(zip([part.data for part in parts], positions, strict=True))
    return Bunch(
        data=side_by_side_rows(pairs),
        target=_join_labels(parts, positions, ids, names),
        ids=np.array(ids, str),
        n_missing={m: int((each < 0).sum()) for X, each in pairs for m in X.modality_names},
    )


def concatenate_videos(bunches: Iterable[Bunch], *, names: Sequence[str] | None = None) -> Bunch:
    """Concatenate data sets of the same modalities, one after another.

    Frames of stores are not read, see
    :meth:`MultimodalArray.concatenate <sk_crossmodal.multimodal.MultimodalArray.concatenate>`.

    Parameters
    ----------
    bunches : iterable of Bunch
        Data sets as the load functions return them, with ``data`` and maybe ``target`` and
        ``ids``.
    names : sequence of str, default=None
        Names of the data sets for error messages, such as their files.

    Returns
    -------
    bunch : sklearn.utils.Bunch
        With all videos: ``data``, a :class:`~sk_crossmodal.multimodal.MultimodalArray`;
        ``target``, a list of tuples, or None; ``ids``, an ndarray of str, or None.

    Raises
    ------
    TypeError
        If an item is not a data set.
    ValueError
        If there are no data sets, their modalities differ, some have labels or ids and others
        none, some labels are strings and others numbers, or an id is given twice.

    See Also
    --------
    join_modalities : Modalities of the same videos, side by side.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.utils import Bunch
    >>> from sk_crossmodal.datasets import concatenate_videos
    >>> from sk_crossmodal.multimodal import as_multimodal
    >>> first, second = (
    ...     Bunch(data=as_multimodal({"clip": np.ones((2, 3, 4))}), target=[("Dog",), ()], ids=ids)
    ...     for ids in (["a", "b"], ["c", "d"])
    ... )
    >>> videos = concatenate_videos([first, second])
    >>> len(videos.data), videos.target, videos.ids.tolist()
    (4, [('Dog',), (), ('Dog',), ()], ['a', 'b', 'c', 'd'])
    """
    parts, names = _as_bunches(bunches, names)
    data = MultimodalArray.concatenate(part.data for part in parts)
    for what in ("target", "ids"):
        if len({part[what] is None for part in parts}) > 1:
            raise ValueError(f"some of {names} have {what}, others none.")
    target = ids = None
    if parts[0].target is not None:
        _check_one_kind(parts, names)
        target = [labels for part in parts for labels in part.target]
    if parts[0].ids is not None:
        ids = np.concatenate([np.asarray(part.ids, str) for part in parts])
        _check_unique(ids, f"the data of {', '.join(names)}")
    return Bunch(data=data, target=target, ids=ids)


def set_rates(bunch: Bunch, rates: Mapping[str, float] | None) -> None:
    """Set the rates of the data; None keeps those that it has."""
    bunch.data = as_multimodal(bunch.data, rates=rates)


def save_videos(bunch: Bunch, path: str, rates: Mapping[str, float] | None = None) -> None:
    """Write data, labels and ids to a store; `rates` None keeps those of the data."""
    data = as_multimodal(bunch.data, rates=rates)
    y, attributes = None, None
    if bunch.target is not None:
        found = {label for labels in bunch.target for label in labels}
        if len({type(label) for label in found}) > 1:
            raise ValueError("labels must be all strings or all numbers to be in one store.")
        known = sorted(found)
        columns = {label: i for i, label in enumerate(known)}
        pairs = [(i, columns[each]) for i, labels in enumerate(bunch.target) for each in labels]
        rows, positions = np.array(pairs, np.int64).reshape(-1, 2).T
        shape = (len(data), len(known))
        y, attributes = (
            csr_array((np.ones(len(rows), np.int64), (rows, positions)), shape=shape),
            {LABELS: known},
        )
    data.save(path, y=y, ids=bunch.ids, attributes=attributes)


def _as_bunches(bunches: Any, names: Any) -> tuple[list[Bunch], list[str]]:
    """Return data sets with `target` and `ids`, which may be None."""
    if isinstance(bunches, Mapping | str) or not isinstance(bunches, Iterable):
        raise TypeError(f"bunches must be a list of data sets, got {type(bunches).__name__}.")
    given = list(bunches)
    if not given:
        raise ValueError("bunches must have at least one data set, got none.")
    if names is None:
        names = [f"data set {i}" for i in range(len(given))]
    if isinstance(names, str) or len(names := list(names)) != len(given):
        raise ValueError(f"names must name {len(given)} data sets, got {names!r}.")
    for each, name in zip(given, names, strict=True):
        if not isinstance(each, Mapping) or not isinstance(each.get("data"), MultimodalArray):
            wanted = "a Bunch with data, a MultimodalArray, as the load functions return"
            raise TypeError(f"{name} must be {wanted}, got {type(each).__name__}.")
        for what in ("target", "ids"):
            if (value := each.get(what)) is not None and len(value) != len(each["data"]):
                n = len(each["data"])
                raise ValueError(f"{name} has {len(value)} {what} for {n} videos.")
    keys = ("data", "target", "ids")
    return [Bunch(**{key: each.get(key) for key in keys}) for each in given], list(map(str, names))


def _check_unique(ids: Iterable[Any], name: str) -> None:
    if twice := [each for each, count in Counter(ids).items() if count > 1]:
        raise ValueError(
            f"the id {str(twice[0])!r} is given twice in {name}; ids must be unique. Leave out "
            "one of the two, or give one of the videos another id."
        )


def _check_one_kind(parts: Sequence[Bunch], names: Sequence[str]) -> None:
    """Raise ValueError if some labels are strings and others numbers."""
    found: dict[bool, tuple[Any, str]] = {}
    for part, name in zip(parts, names, strict=True):
        for label in (label for labels in part.target or () for label in labels):
            if isinstance(label, str | Integral):
                found.setdefault(isinstance(label, str), (label, name))
    if len(found) > 1:
        (text, of_text), (number, of_number) = found[True], found[False]
        raise ValueError(
            f"{of_text} has labels that are strings, such as {str(text)!r}, and {of_number} "
            f"numbers, such as {number!r}, which may be the columns of an indicator. Write its "
            "names of labels as well, as in label_names=['a', 'b'], or labels as lists of names."
        )


def _check_common(ids: Sequence[Collection[Any]], names: Sequence[str]) -> None:
    """Raise ValueError if a data set has no id of any other, and warn if there are few."""
    for i, own in enumerate(ids if len(ids) > 1 else ()):
        others = {each: j for j, other in enumerate(ids) if j != i for each in other}
        only = [each for each in own if each not in others]
        n_common, n = len(own) - len(only), min(len(own), len(others))
        if 2 * n_common >= n:
            continue
        j = next(j for each, j in others.items() if each not in own)
        examples = [[each for each in ids[k] if each not in ids[m]] for k, m in ((i, j), (j, i))]
        mine, theirs = (f"{np.asarray(each[:3]).tolist()}" for each in examples)
        text = (
            f"such as {mine} in {names[i]} and {theirs} in {names[j]}. A video must have the same"
        )
        advice = f"{text} id, character for character, in all of them: change the ids of one."
        if not n_common:
            raise ValueError(f"{names[i]} has no id in common with the others, {advice}")
        given = f"{n_common} of {n} ids in common with the others; the rest are"
        warnings.warn(f"{names[i]} has only {given} {advice}", UserWarning, stacklevel=3)
        return


def _join_labels(
    parts: Sequence[Bunch], positions: Sequence[Any], ids: Sequence[Any], names: Sequence[str]
) -> list[tuple[Any, ...]] | None:
    """Return the labels of each video, which only one data set need have."""
    if all(part.target is None for part in parts):
        return None
    target: list[tuple[Any, ...]] = [()] * len(ids)
    owners = [""] * len(ids)
    for part, rows, name in zip(parts, positions, names, strict=True):
        for i, row in enumerate(rows.tolist() if part.target is not None else ()):
            labels = tuple(part.target[row]) if row >= 0 else ()
            if labels and target[i] and set(labels) != set(target[i]):
                both = f"{target[i]} in {owners[i]} and {labels} in {name}"
                raise ValueError(f"the labels of {str(ids[i])!r} are {both}; read them from one.")
            if labels and not target[i]:
                target[i], owners[i] = labels, name
    return target
