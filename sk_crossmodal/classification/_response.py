"""The response of the influences that a classifier learned, averaged over videos."""

from typing import Any, TypeAlias

import numpy as np

from .._types import Floats
from ..modules import influence_response, influences_of
from ..training import FrameDataset, own_defaults

Pair: TypeAlias = tuple[str, str]  # source and target


def influence_pairs(classifier: Any) -> list[Pair]:
    """Return source and target of every F; ValueError if the classifier has no influence."""
    network: Any = classifier.net_.module_
    names = classifier.modality_names_in_
    if network.spec is None or network.encoder.influences is None:
        how = f"{type(classifier).__name__} with fusion={network.fusion!r} on {list(names)}"
        raise ValueError(f"{how} has no influence F: expected a fusion such as 'cross_modal'.")
    return [
        (names[source], names[target])
        for target in range(len(names))
        for source in network.spec.sources(target, len(names))
    ]


@own_defaults()
def bare_responses(classifier: Any, pairs: list[Pair]) -> dict[Pair, Floats]:
    """Return the response of F with all hidden units active, of the last encoder layer."""
    every = influences_of(classifier.net_.module_.encoder.influences)[-len(pairs) :]
    responses = [influence_response(each).detach().cpu().double().numpy() for each in every]
    return _added(pairs, responses)


def mean_responses(
    classifier: Any, pairs: list[Pair], dataset: FrameDataset
) -> dict[Pair, Floats]:
    """Return the response of F, averaged over the videos that have both time steps."""
    network: Any = classifier.net_.module_
    responses: list[list[Floats]] = [[] for _ in pairs]
    # One video at a time, as F would respond to padding.
    for rows, targets in classifier.net_.outputs(dataset, "responses", batch_size=1):
        real = dataset.real_steps(rows)
        found = [response[0].cpu().double().numpy() for target in targets for response in target]
        for pair, of_pair, response in zip(pairs, responses, found, strict=True):
            n_source, n_target = (
                min(len(response) if network.pad_to else real[name][0], network.spec.n_frames)
                for name in pair
            )
            if n_source and n_target:
                of_pair.append(response[:n_target, :n_source])
    return _added(pairs, [_mean(*each) for each in zip(pairs, responses, strict=True)])


def _mean(pair: Pair, responses: list[Floats]) -> Floats:
    """Return the mean over the videos that have both time steps, 0 where none has."""
    if not responses:
        raise ValueError(f"X must have a video with frames of both {pair[0]!r} and {pair[1]!r}.")
    longest = max(max(response.shape) for response in responses)
    total, count = np.zeros((2, longest, longest))
    for response in responses:
        shown = tuple(slice(size) for size in response.shape)
        total[shown] += response
        count[shown] += 1
    mean: Floats = total / np.maximum(count, 1)
    return mean


def _added(pairs: list[Pair], responses: list[Floats]) -> dict[Pair, Floats]:
    """Return the responses by pair, summed where a control has the same pair several times."""
    out: dict[Pair, Floats] = {}
    for pair, response in zip(pairs, responses, strict=True):
        out[pair] = out.get(pair, 0) + response
    return out
