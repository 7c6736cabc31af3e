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


def influence_hidden(weights, name, pattern, context=None):
    """Last hidden layer of F for one pattern along time.

    F knows only the first n frames of its time line: what comes later is not looked at.
    """
    first = weights[f"{name}.first.weight"]
    hidden = weights[f"{name}.first.bias"].copy()
    for t in range(min(len(pattern), first.shape[1])):
        hidden += first[:, t] * pattern[t]
    if context is not None:
        hidden += weights[f"{name}.context.weight"] @ context
    hidden = relu(hidden)
    for i in range(sum(key.startswith(f"{name}.inner") for key in weights) // 2):
        hidden = relu(linear(weights, f"{name}.inner.{i}", hidden))
    return hidden


def influence_last(weights, name, hidden, n_frames):
    """Last layer of F; frames after its time line get no influence."""
    last = weights[f"{name}.last.weight"]
    out = np.zeros(n_frames)
    for t in range(min(n_frames, len(last))):
        out[t] = last[t] @ hidden + weights[f"{name}.last.bias"][t]
    return out


def influence(weights, name, pattern, context=None):
    """F(a) = W_k ReLU(... ReLU(W_1 a + b_1 + U e)) + b_k for one pattern along time."""
    hidden = influence_hidden(weights, name, pattern, context)
    return influence_last(weights, name, hidden, len(pattern))


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
    """Concatenated heads, output projection, and feed-forward part, with residuals."""
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


# Clusters: NetVLAD's and the RNN's -------------------------------------------------------


def normalised(x):
    """Scale x to length 1; zero stays zero."""
    return x / max(np.sqrt(np.sum(x**2)), 1e-12)


def influence_of_clusters(weights, name, patterns, context, unit_in, unit_out):
    """u_out F(a / u_in) of all clusters, mixed before the last layer if F mixes them."""
    hidden = [influence_hidden(weights, name, a / unit_in, context) for a in patterns]
    if f"{name}.mix.weight" in weights:
        hidden = [
            sum(share * h for share, h in zip(shares, hidden, strict=True))
            for shares in weights[f"{name}.mix.weight"]
        ]
    n_frames = patterns.shape[1]
    return np.array([unit_out * influence_last(weights, name, h, n_frames) for h in hidden])


def influenced_clusters(weights, prefix, before, masks, links, units, combine):
    """Attention of each modality's clusters after the influence, (K, T) arrays."""
    out = []
    for target, own in enumerate(before):
        total = np.zeros_like(own)
        for i, (source, gate, context) in enumerate(links[target]):
            name = f"{prefix}influences.{target}.{i}"
            unit_out = units[target] if combine == "add" else 1.0
            total += gate * influence_of_clusters(
                weights, name, before[source], context, units[source], unit_out
            )
        after = own + total if combine == "add" else own * (1 + total)
        after[:, ~masks[target]] = 0.0
        out.append(after)
    return out


def described(weights, name, descriptor):
    """The layer over a descriptor of length 1, scaled so that its numbers are about 1."""
    return relu(linear(weights, f"{name}.linear", descriptor * np.sqrt(len(descriptor))))


def netvlad_assignments(weights, prefix, frames, masks, links, *, combine):
    """Assignments (before, after) of one video: two lists over modalities of (K, T) arrays."""
    before, units = [], []
    for m, (x, mask) in enumerate(zip(frames, masks, strict=True)):
        assign, norm = weights[f"{prefix}assign.{m}.weight"], f"{prefix}norms.{m}"
        deviation = np.sqrt(weights[f"{norm}.running_var"] + 1e-5)
        assignments = np.zeros((len(assign), len(x)))
        for t in np.flatnonzero(mask):
            standard = (assign @ x[t] - weights[f"{norm}.running_mean"]) / deviation
            logits = weights[f"{norm}.weight"] * standard + weights[f"{norm}.bias"]
            assignments[:, t] = softmax_over(logits, np.ones(len(assign), dtype=bool))
        before.append(assignments)
        units.append(1 / len(assign))
    return before, influenced_clusters(weights, prefix, before, masks, links, units, combine)


def netvlad_video(weights, prefix, frames, masks, links, *, combine):
    """Output of the NetVLAD encoder for one video, (hidden_size,) per modality."""
    _, after = netvlad_assignments(weights, prefix, frames, masks, links, combine=combine)
    out = []
    for m, x in enumerate(frames):
        rows = []
        for a, centre in zip(after[m], weights[f"{prefix}centres.{m}"], strict=True):
            residual = np.zeros(x.shape[1])
            for t in np.flatnonzero(masks[m]):
                residual += a[t] * (x[t] - centre)
            rows.append(normalised(residual))
        vlad = normalised(np.concatenate(rows))
        out.append(described(weights, f"{prefix}descriptors.{m}", vlad))
    return out


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def gru_step(w, x, state):
    (h,) = state
    from_x = np.split(w["weight_ih"] @ x + w["bias_ih"], 3)
    from_h = np.split(w["weight_hh"] @ h + w["bias_hh"], 3)
    reset, update = sigmoid(from_x[0] + from_h[0]), sigmoid(from_x[1] + from_h[1])
    proposal = np.tanh(from_x[2] + reset * from_h[2])
    return ((1 - update) * proposal + update * h,)


def lstm_step(w, x, state):
    h, cell = state
    gates = w["weight_ih"] @ x + w["bias_ih"] + w["weight_hh"] @ h + w["bias_hh"]
    enter, forget, proposal, leave = np.split(gates, 4)
    cell = sigmoid(forget) * cell + sigmoid(enter) * np.tanh(proposal)
    return sigmoid(leave) * np.tanh(cell), cell


STEPS = {"gru": (gru_step, 1), "lstm": (lstm_step, 2)}


def recurrent_states(weights, name, x, mask, rnn_type):
    """Concatenated states of both directions at the real frames, zero at padding."""
    step, n_parts = STEPS[rnn_type]
    size = weights[f"{name}.weight_hh_l0"].shape[1]
    out = np.zeros((len(x), 2 * size))
    real = np.flatnonzero(mask)
    for suffix, times, place in (
        ("", real, slice(0, size)),
        ("_reverse", real[::-1], slice(size, None)),
    ):
        kinds = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        w = {kind: weights[f"{name}.{kind}_l0{suffix}"] for kind in kinds}
        state = tuple(np.zeros(size) for _ in range(n_parts))
        for t in times:
            state = step(w, x[t], state)
            out[t, place] = state[0]
    return out


def rnn_clusters(weights, prefix, frames, masks, links, *, rnn_type, combine):
    """States, attention before, attention after of one video, three lists over modalities."""
    states, before = [], []
    for m, (x, mask) in enumerate(zip(frames, masks, strict=True)):
        if rnn_type is not None:
            x = recurrent_states(weights, f"{prefix}rnns.{m}", x, mask, rnn_type)
        logits = linear(weights, f"{prefix}scores.{m}", x)
        attention = np.zeros(logits.T.shape)
        if mask.any():
            for k in range(len(attention)):
                attention[k] = softmax_over(logits[:, k], mask)
        states.append(x)
        before.append(attention)
    # The unit of attention is that of uniform attention over the time line of F.
    lines = {w.shape[1] for name, w in weights.items() if name.endswith(".first.weight")}
    units = [1 / lines.pop()] * len(before) if lines else None
    after = influenced_clusters(weights, prefix, before, masks, links, units, combine)
    return states, before, after


def rnn_video(weights, prefix, frames, masks, links, *, rnn_type, combine):
    """Output of the RNN encoder for one video, (hidden_size,) per modality."""
    states, _, after = rnn_clusters(
        weights, prefix, frames, masks, links, rnn_type=rnn_type, combine=combine
    )
    out = []
    for m, h in enumerate(states):
        rows = []
        for a in after[m]:
            seen = np.zeros(h.shape[1])
            for t in np.flatnonzero(masks[m]):
                seen += a[t] * h[t]
            rows.append(normalised(seen) / np.sqrt(len(after[m])))
        out.append(described(weights, f"{prefix}descriptors.{m}", np.concatenate(rows)))
    return out
