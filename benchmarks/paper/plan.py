"""The list of runs to train, each a dict of name, kind, seed and settings."""

import settings


def plan(data_set, size, n_seeds, families):
    """Return all runs of a data set, in the order of their dependencies.

    The result of a run depends on its `settings` only.
    """
    kind = settings.kind_of(data_set)
    sizes = settings.SIZES[size][kind]
    if kind == "corsmal":
        sizes = {**sizes, "data": {"n_folds": n_seeds}}
    runs = []
    for seed in range(n_seeds):
        base = {"data_set": data_set, "seed": seed}
        data = sizes["data"]
        runs.append({**base, "name": "videos", "kind": "videos", "settings": {"data": data}})
        runs += [{**base, **run} for run in _towers(kind, seed, sizes)]
        runs += [{**base, **run} for run in _baselines(kind, data)]
        for family in families:
            runs += [{**base, **run} for run in _classifiers(kind, family, data)]
        if seed == 0 and sizes["search"] and "TM" in families:
            runs.append({**base, **_search(kind, sizes)})
    return runs


def tower_name(weight, encoder=None):
    """Return the name of the run of a tower, by its weight or its encoder."""
    return f"tower {encoder}" if encoder else f"tower w{weight:g}"


SHARED_TOWER = tower_name(settings.SHARED_WEIGHT)


def _tower_settings(kind, data, **changed):
    params = {**settings.TOWERS[kind], "negative_weight": settings.SHARED_WEIGHT, **changed}
    params["encoder_params"] = settings.ENCODERS[kind][params["encoder"]]
    return {"data": data, "params": params}


def _towers(kind, seed, sizes):
    data = sizes["data"]
    weights = settings.NEGATIVE_WEIGHTS if seed < sizes["weight_seeds"] else ()
    for weight in dict.fromkeys((settings.SHARED_WEIGHT, *weights)):
        chosen = _tower_settings(kind, data, negative_weight=weight)
        yield {"name": tower_name(weight), "kind": "tower", "settings": chosen}
    if seed < sizes["encoder_seeds"]:
        for encoder in settings.ENCODERS[kind]:
            if encoder != settings.TOWERS[kind]["encoder"]:
                chosen = _tower_settings(kind, data, encoder=encoder)
                yield {"name": tower_name(0, encoder), "kind": "tower", "settings": chosen}


def _baselines(kind, data):
    for name, params in settings.BASELINES[kind].items():
        yield {"name": name, "kind": "baseline", "settings": {"data": data, "params": params}}


def _classifiers(kind, family, data):
    for row, choice in settings.ROWS.items():
        chosen = _classifier_settings(kind, family, data, choice)
        yield {
            "name": f"{family}-{row}",
            "kind": "classifier",
            "family": family,
            "settings": chosen,
        }


def _classifier_settings(kind, family, data, choice):
    chosen = {
        "data": data,
        "estimator": settings.FAMILIES[family],
        "params": {**settings.SETTINGS[kind][family], **choice},
    }
    if choice["fusion"] in ("cross_modal_gated", "cross_modal_concat"):
        chosen["tower"] = _tower_settings(kind, data)
    return chosen


def _search(kind, sizes):
    chosen = _classifier_settings(kind, "TM", sizes["data"], settings.ROWS["CM-C"])
    chosen |= {"sizes": settings.F_SIZES, **sizes["search"]}
    return {"name": "search TM", "kind": "search", "family": "TM", "settings": chosen}
