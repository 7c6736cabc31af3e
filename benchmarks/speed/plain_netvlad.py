"""A plain NetVLAD with the weights of ours, to be timed against it."""

import torch
from torch import nn
from torch.nn import functional as F


class PlainNetVLAD(nn.Module):
    """Late fusion of NetVLAD descriptors: soft assignment, batch normalisation, residuals.

    Parameters
    ----------
    network : CrossModalNetwork
        A network of `NetVLADEncoder` with late fusion, whose weights are copied.
    pool : callable
        Sums residuals, given frames, assignments and centres.
    """

    def __init__(self, network, pool=None):
        super().__init__()
        self.names, self.pool = network.names, pool or _einsum_form
        self.p = network.encoder.dropout.p

        def copied(parts):
            return nn.ParameterList(nn.Parameter(x.detach().clone()) for x in parts)

        encoder = network.encoder
        self.frame_stats = [(x.mean.float(), x.inverse.float()) for x in network.scalers]
        self.assign = copied(layer.weight for layer in encoder.assign)
        self.scale = copied(norm.weight for norm in encoder.norms)
        self.shift = copied(norm.bias for norm in encoder.norms)
        self.centres = copied(encoder.centres)
        self.weights = copied(part.linear.weight for part in encoder.descriptors)
        self.biases = copied(part.linear.bias for part in encoder.descriptors)
        self.head_weights = copied(network.head[i].weight for i in (1, 4))
        self.head_biases = copied(network.head[i].bias for i in (1, 4))

    def forward(self, frames, masks, correlation=None):
        """Compute the logits of a batch, (B, n_outputs)."""
        described = []
        for i, name in enumerate(self.names):
            mask = masks[name].unsqueeze(-1).float()
            mean, inverse = self.frame_stats[i]
            x = (frames[name] - mean) * inverse * mask
            x = F.dropout(x, self.p, self.training)
            pooled = self.pool(x, self.assigned(i, x, mask), self.centres[i])
            pooled = pooled / pooled.norm(dim=2, keepdim=True).clamp(min=1e-12)
            flat = pooled.flatten(1)
            flat = flat / flat.norm(dim=1, keepdim=True).clamp(min=1e-12)
            flat = F.dropout(flat, self.p, self.training) * flat.shape[1] ** 0.5
            described.append(torch.relu(flat @ self.weights[i].T + self.biases[i]))
        out = F.dropout(torch.cat(described, -1), self.p, self.training)
        out = torch.relu(out @ self.head_weights[0].T + self.head_biases[0])
        out = F.dropout(out, self.p, self.training)
        return out @ self.head_weights[1].T + self.head_biases[1]

    def assigned(self, i, x, mask):
        """Return soft assignments of frames to clusters, (B, T, K), zero at padding."""
        logits = torch.einsum("btd,kd->btk", x, self.assign[i])
        n = mask.sum()
        mean = (logits * mask).sum((0, 1)) / n
        var = ((logits - mean) ** 2 * mask).sum((0, 1)) / n
        logits = (logits - mean) / torch.sqrt(var + 1e-5) * self.scale[i] + self.shift[i]
        powers = torch.exp(logits - logits.amax(-1, keepdim=True))
        return powers / powers.sum(-1, keepdim=True) * mask


def _einsum_form(x, assigned, centres):
    return torch.einsum("btk,btd->bkd", assigned, x) - assigned.sum(1).unsqueeze(-1) * centres


def _residuals(x, assigned, centres):
    residuals = x.unsqueeze(2) - centres  # (B, T, K, d)
    return torch.einsum("btk,btkd->bkd", assigned, residuals)


def residual_form(network):
    """Return the network with residuals of all frames to all clusters, as in the paper."""
    return PlainNetVLAD(network, _residuals)
