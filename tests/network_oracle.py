"""The networks in plain numpy, one video, head and query at a time, from their equations.

Weights come from a module's state dict, so that only names are shared with the package.
"""

import numpy as np


def weights_of(module):
    return {name: value.detach().double().numpy() for name, value in module.state_dict().items()}


def linear(weights, name, x):
    """W x + b for the numbers on the last axis."""
    return x @ weights[f"{name}.weight"].T + weights.get(f"{name}.bias", 0.0)


def relu(x):
    return np.maximum(x, 0.0)


def layer_norm(weights, name, x):
    deviation = np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    standard = (x - x.mean(-1, keepdims=True)) / deviation
    return standard * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def softmax_over(logits, allowed):
    """Softmax over the allowed keys, zero at the others."""
    out = np.zeros(len(logits))
    powers = [np.exp(logits[key] - logits[allowed].max()) for key in np.flatnonzero(allowed)]
    out[allowed] = np.array(powers) / sum(powers)
    return out


def influence(weights, name, pattern, context=None):
    """F(a) = W_k ReLU(... ReLU(W_1 a + b_1 + U e)) + b_k for one pattern along time.

    F knows only the first n frames of its time line: what comes later is not looked at, and
    gets no influence.
    """
    first, last = weights[f"{name}.first.weight"], weights[f"{name}.last.weight"]
    known = min(len(pattern), first.shape[1])
    hidden = weights[f"{name}.first.bias"].copy()
    for t in range(known):
        hidden += first[:, t] * pattern[t]
    if context is not None:
        hidden += weights[f"{name}.context.weight"] @ context
    hidden = relu(hidden)
    for i in range(sum(key.startswith(f"{name}.inner") for key in weights) // 2):
        hidden = relu(linear(weights, f"{name}.inner.{i}", hidden))
    out = np.zeros(len(pattern))
    for t in range(known):
        out[t] = last[t] @ hidden + weights[f"{name}.last.bias"][t]
    return out


def queries_keys_values(weights, name, x, n_heads):
    """Lists over heads of (T, d / h) arrays."""
    projected = linear(weights, f"{name}.qkv", layer_norm(weights, f"{name}.norm", x))
    size = x.shape[1] // n_heads
    queries, keys, values = np.split(projected, 3, axis=1)
    heads = [slice(head * size, (head + 1) * size) for head in range(n_heads)]
    return (
        [queries[:, h] for h in heads],
        [keys[:, h] for h in heads],
        [values[:, h] for h in heads],
    )


def attention_of_video(weights, name, qkv, masks, links, combine):
    """Attention (before, after) of one video in one layer: per modality (h, T, T) arrays.

    `links` holds, per target, (source, g, e) in the order of the target's influences.
    """
    out = []
    for target, (queries, keys, _) in enumerate(qkv):
        allowed = masks[target] if masks[target].any() else np.ones_like(masks[target])
        n_frames, size = queries[0].shape
        before = np.zeros((len(queries), n_frames, n_frames))
        after = np.zeros_like(before)
        for head in range(len(queries)):
            for t in range(n_frames):
                own = keys[head] @ queries[head][t] / np.sqrt(size)
                added = np.zeros(n_frames)
                for i, (source, gate, context) in enumerate(links[target]):
                    source_queries, source_keys, _ = qkv[source]
                    pattern = source_keys[head] @ source_queries[head][t] / np.sqrt(size)
                    pattern[~masks[source]] = 0.0
                    added += gate * influence(weights, f"{name}.{target}.{i}", pattern, context)
                mixed = own + added if combine == "add" else own * (1 + added)
                before[head, t] = softmax_over(own, allowed)
                after[head, t] = softmax_over(mixed, allowed)
        out.append((before, after))
    return out


def finish_layer(weights, name, x, attention, values):
    """Heads side by side, output projection, and the feed-forward part, each with a residual."""
    heads = np.concatenate([a @ v for a, v in zip(attention, values, strict=True)], axis=1)
    x = x + linear(weights, f"{name}.out.0", heads)
    hidden = layer_norm(weights, f"{name}.feed_forward.0", x)
    hidden = relu(linear(weights, f"{name}.feed_forward.1", hidden))
    return x + linear(weights, f"{name}.feed_forward.4", hidden)


def encode_video(weights, prefix, frames, masks, links, *, n_heads, n_layers, positions, combine):
    """Means of the real frames after all layers: per modality (d_model,).

    `links` holds, per target, (source, g, e), empty where nothing influences.
    """
    states = [linear(weights, f"{prefix}inputs.{m}", x) + positions for m, x in enumerate(frames)]
    for depth in range(n_layers):
        layers = [f"{prefix}layers.{depth}.{m}" for m in range(len(states))]
        qkv = [
            queries_keys_values(weights, layer, x, n_heads)
            for layer, x in zip(layers, states, strict=True)
        ]
        name = f"{prefix}influences.{depth}"
        attention = attention_of_video(weights, name, qkv, masks, links, combine)
        states = [
            finish_layer(weights, layers[m], states[m], attention[m][1], qkv[m][2])
            for m in range(len(states))
        ]
    out = []
    for m, x in enumerate(states):
        real = layer_norm(weights, f"{prefix}norms.{m}", x)[masks[m]]
        out.append(real.mean(0) if len(real) else np.zeros(x.shape[1]))
    return out


def two_layer_net(weights, first, second, x):
    return linear(weights, second, relu(linear(weights, first, x)))
