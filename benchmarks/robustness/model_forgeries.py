"""Random ways to damage and to forge the file of a model."""

import json
from hashlib import sha256

import torch
from safetensors.torch import save

from sk_crossmodal.persistence._file import BLANK_CHECKSUM, KEY

CODE = "__import__('os').system('touch forged')"
EVIL = (
    None,
    True,
    0,
    -1,
    1,
    3,
    2.5,
    -0.5,
    10**9,
    10**18,
    2**63,
    10**400,
    "",
    "os.system",
    "builtins.eval",
    "CrossModalTransformerClassifier",
    "__reduce__",
    "../../etc/passwd",
    "/etc/shadow\0.txt",
    "cuda:99",
    "meta",
    CODE,
    "cposix\nsystem\n(S'touch forged'\ntR.",
    "\ud800",
    "x" * 1_000_000,
    [],
    [1],
    [[[[[]]]]],
    {},
    {"__reduce__": ["os.system", ["touch forged"]]},
    {"class": "os.system", "params": {"command": "touch forged"}},
    {"!object": 0},
    {"!object": 99},
    {"!object": -1},
    {"!object": True},
    {"!encoder": "os.system"},
    {"!encoder": "mean"},
    {"!tensor": "../../etc/passwd"},
    {"!tensor": "0.mean.0"},
    {"!float": "nan"},
    {"!float": "__import__('os')"},
    {"!tuple": [1, 2]},
    {"!tuple": CODE},
    {"!slice": [0, None, CODE]},
    {"!dict": [[[1], 2]]},
    {"!dict": [[{"!tuple": []}, 2], [3]]},
    {"!array": ["|O", [1], [CODE]]},
    {"!array": ["<U99999999", [3], ["a", "b", "c"]]},
    {"!array": ["<i8", [10**9], [1]]},
    {"!array": ["V8", [1], [1]]},
    {"!eval": CODE},
    {"!init__": []},
    {"!object": {"!object": 0}},
)
# JSON that `json.dumps` does not write; it replaces RAW.
RAW = "@raw@"
RAW_JSON = (
    "NaN",
    "Infinity",
    "-Infinity",
    "1e999",
    "1" * 5000,
    "[" * 100_000 + "]" * 100_000,
    '{"a":' * 20_000 + "1" + "}" * 20_000,
    '{"class":"LabelHierarchy","class":"os.system"}',
    CODE,
    "",
    "0x10",
    "'a'",
)


def damaged(data, rng):
    """Return (kind, data) of a file with one damage."""
    kind = KINDS_OF_DAMAGE[rng.randint(len(KINDS_OF_DAMAGE))]
    end = 8 + int.from_bytes(data[:8], "little")
    # Half of the positions are in the header, however large the weights are.
    at = rng.randint(end if rng.rand() < 0.5 else len(data))
    if kind == "byte flipped":
        new = bytes([data[at] ^ rng.randint(1, 256)])
        return kind, data[:at] + new + data[at + 1 :]
    if kind == "truncated":
        return kind, data[:at]
    if kind == "bytes appended":
        return kind, data + rng.bytes(rng.randint(1, 100))
    if kind == "header length forged":
        size = (rng.randint(2**62), rng.randint(2 * end), 2**64 - 1, 0)[rng.randint(4)]
        return kind, int(size).to_bytes(8, "little") + data[8:]
    if kind == "key duplicated":
        header = data[8:end].rstrip() + b" "
        name = rng.choice(["__metadata__", "0.mean.0", "x"]).encode()
        header = header.replace(b"{", b'{"' + name + b'":{},', 1)
        return kind, len(header).to_bytes(8, "little") + header + data[end:]
    if kind == "bytes left out":
        return kind, data[:at] + data[at + rng.randint(1, 50) :]
    if kind == "bytes doubled":
        return kind, data[:at] + data[max(0, at - rng.randint(1, 50)) :]
    part = rng.randint(at + 1)  # replaced by another part of the file
    moved = data[part : part + 16]
    new = data[:at] + moved + data[at + len(moved) :]
    return kind, new if new != data else data[:at]


KINDS_OF_DAMAGE = (
    "byte flipped",
    "truncated",
    "bytes appended",
    "header length forged",
    "key duplicated",
    "bytes left out",
    "bytes doubled",
    "bytes moved",
)


def paths(value, path=()):
    """Yield all paths in a JSON value, as tuples of keys."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in items:
        yield (*path, key)
        if isinstance(part, dict | list):
            yield from paths(part, (*path, key))


def at(value, path):
    """Return the value at a path."""
    for key in path:
        value = value[key]
    return value


def forged(document, tensors, rng):
    """Return (kind, data) of a file changed by someone who knows its format."""
    document, tensors = json.loads(json.dumps(document)), dict(tensors)
    kind = list(FORGERIES)[rng.randint(len(FORGERIES))]
    raw = FORGERIES[kind](document, tensors, rng)
    if isinstance(raw, bytes):
        return kind, raw
    return kind, seal(document, tensors, raw)


def seal(document, tensors, raw=None):
    """Return a file with a correct checksum; `raw` JSON replaces RAW."""
    text = json.dumps({"format": 1, **document, "sha256": BLANK_CHECKSUM}, separators=(",", ":"))
    if raw is not None:
        text = text.replace(f'"{RAW}"', raw)
    return summed(save(tensors, metadata={KEY: text}))


def summed(data):
    """Insert the checksum into a file that has none."""
    # The first occurrence only, as a label or a name may have as many zeros.
    digest = sha256(data).hexdigest().encode()
    return data.replace(BLANK_CHECKSUM.encode(), digest, 1)


def _random_path(document, rng, start=("objects",)):
    found = [(*start, *path) for path in paths(at(document, start))]
    return found[rng.randint(len(found))]


def value_replaced(document, tensors, rng):
    """Replace a value."""
    *path, key = _random_path(document, rng)
    at(document, path)[key] = EVIL[rng.randint(len(EVIL))]


def number_changed(document, tensors, rng):
    """Change a number a little or a lot."""
    found = [
        path
        for path in paths(document["objects"])
        if type(at(document["objects"], path)) in (int, float)
    ]
    if not found:
        return value_replaced(document, tensors, rng)
    *path, key = found[rng.randint(len(found))]
    parent = at(document["objects"], path)
    changes = (parent[key] + 1, parent[key] - 1, parent[key] * 2, -parent[key], 10**9, 1e300, 0)
    parent[key] = changes[rng.randint(len(changes))]
    return None


def entry_removed(document, tensors, rng):
    """Remove an entry."""
    *path, key = _random_path(document, rng)
    del at(document, path)[key]


def entry_added(document, tensors, rng):
    """Add an entry, such as a parameter that does not exist."""
    parent = at(document, _random_path(document, rng)[:-1])
    evil = EVIL[rng.randint(len(EVIL))]
    if isinstance(parent, list):
        parent.insert(rng.randint(len(parent) + 1), evil)
        return
    names = ("__class__", "__reduce__", "callbacks", "memory", "checkpoint", "net_params", "x")
    parent[names[rng.randint(len(names))]] = evil


def values_swapped(document, tensors, rng):
    """Swap two values."""
    one, other = _random_path(document, rng), _random_path(document, rng)
    if one[: len(other)] == other or other[: len(one)] == one:
        return value_replaced(document, tensors, rng)
    first, second = at(document, one), at(document, other)
    at(document, one[:-1])[one[-1]], at(document, other[:-1])[other[-1]] = second, first
    return None


def raw_json(document, tensors, rng):
    """Insert invalid JSON."""
    *path, key = _random_path(document, rng)
    at(document, path)[key] = RAW
    return RAW_JSON[rng.randint(len(RAW_JSON))]


def frame_changed(document, tensors, rng):
    """Change an entry beside the objects."""
    names = ("format", "objects", "model", "package")
    name = names[rng.randint(len(names))]
    if name == "objects" and rng.rand() < 0.5:
        rng.shuffle(document["objects"])
        return
    document[name] = EVIL[rng.randint(len(EVIL))]


def tensor_changed(document, tensors, rng):
    """Change shape, dtype, name or numbers of a tensor."""
    if not tensors:
        tensors["0.module.weight"] = torch.ones(3)
        return
    name = list(tensors)[rng.randint(len(tensors))]
    value = tensors.pop(name)
    changes = {
        "shape": lambda: value.reshape(-1, 1),
        "more": lambda: torch.cat([value.reshape(-1), value.reshape(-1)]),
        "less": lambda: value.reshape(-1)[:-1].clone(),
        "none": lambda: value.reshape(-1)[:0].clone(),
        "half": value.half,
        "double": value.double,
        "int": lambda: value.to(torch.int64),
        "bool": lambda: value.to(torch.bool),
        "brain": value.bfloat16,
        "nan": lambda: value * torch.nan,
        "bytes": lambda: torch.frombuffer(bytearray(CODE.encode()), dtype=torch.uint8),
    }
    kinds = (*changes, "name", "twice", "missing")
    kind = kinds[rng.randint(len(kinds))]
    new = changes[kind]() if kind in changes else value
    if kind != "missing":
        evil = ("../../etc/passwd", "0.module.__class__", "os.system", name + ".0")
        tensors[evil[rng.randint(len(evil))] if kind == "name" else name] = new
    if kind == "twice":
        tensors[name + "x"] = value.clone()


def shape_declared(document, tensors, rng):
    """Declare another size or position of a tensor in the header only."""
    data = seal(document, tensors)
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    names = [name for name in header if name != "__metadata__"]
    if not names:
        header["0.mean.0"] = {"dtype": "F32", "shape": [10**12], "data_offsets": [0, 4 * 10**12]}
    else:
        about = header[names[rng.randint(len(names))]]
        start, stop = about["data_offsets"]
        changes = (
            {"shape": [2**62, 4]},
            {"shape": [10**12]},
            {"shape": [-1]},
            {"shape": [10**12], "data_offsets": [start, start + 4 * 10**12]},
            {"data_offsets": [stop, start]},
            {"data_offsets": [0, 2**63]},
            {"data_offsets": [-8, stop]},
            {"dtype": "F64" if about["dtype"] == "F32" else "F32"},
            {"dtype": "PICKLE"},
            {"dtype": None},
        )
        about.update(changes[rng.randint(len(changes))])
    text = json.dumps(header["__metadata__"][KEY])
    digest = json.loads(header["__metadata__"][KEY])["sha256"]
    header["__metadata__"][KEY] = json.loads(text.replace(digest, BLANK_CHECKSUM))
    changed = json.dumps(header, separators=(",", ":")).encode()
    return summed(len(changed).to_bytes(8, "little") + changed + data[end:])


def network_resized(document, tensors, rng):
    """Describe a network of another size than its weights."""
    described = [o["fitted"]["network"] for o in document["objects"] if "network" in _fitted(o)]
    if not described:
        return value_replaced(document, tensors, rng)
    network = described[rng.randint(len(described))]
    encoder = network["encoder_params"]
    sizes = (10**9, 10**18, 1, 2, 10**6)
    size = sizes[rng.randint(len(sizes))]
    names = [n for n in ("n_layers", "d_model", "n_heads", "n_clusters") if n in encoder]
    many = {"!tuple": [2] * 100_000}
    changes = (
        *((encoder, name, size) for name in names),
        (encoder, "n_clusters", {"!tuple": [size, size]}),
        (network, "hidden_size", size),
        (network, "n_outputs", size),
        (network, "n_frames", size),
        (network, "pad_to", size),
        (network, "n_correlation", size),
        (network, "layer_sizes", many),
        (network, "hidden_layer_sizes", many),
        (network, "layer_sizes", {"!tuple": [size]}),
    )
    part, name, new = changes[rng.randint(len(changes))]
    part[name] = new
    return None


def _fitted(written):
    return written.get("fitted", {})


FORGERIES = {
    "value replaced": value_replaced,
    "number changed": number_changed,
    "entry removed": entry_removed,
    "entry added": entry_added,
    "values swapped": values_swapped,
    "raw JSON": raw_json,
    "frame changed": frame_changed,
    "tensor changed": tensor_changed,
    "shape declared": shape_declared,
    "network resized": network_resized,
}
