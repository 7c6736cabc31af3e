"""Operations that see real frames only."""


def masked_mean(x, mask):
    """Mean over time of the real frames; zeros where there is none.

    Parameters
    ----------
    x : Tensor of shape (B, T, d)
        Frames.
    mask : bool Tensor of shape (B, T)
        True at real frames.

    Returns
    -------
    Tensor of shape (B, d)
        The means.

    Examples
    --------
    >>> import torch
    >>> x = torch.tensor([[[2.0], [4.0], [9.0]]])
    >>> masked_mean(x, torch.tensor([[True, True, False]]))
    tensor([[3.]])
    """
    weights = mask.to(x.dtype).unsqueeze(-1)  # (B, T, 1)
    return (x * weights).sum(1) / weights.sum(1).clamp(min=1.0)


def attendable(mask):
    """Keys that attention may look at: the real frames, or all if a video has none.

    A softmax over nothing is NaN; a video without frames attends to padding instead, and what
    comes of it is left out when frames are averaged.

    Parameters
    ----------
    mask : bool Tensor of shape (B, T)
        True at real frames.

    Returns
    -------
    bool Tensor of shape (B, 1, 1, T)
        Broadcastable to heads and queries.

    Examples
    --------
    >>> import torch
    >>> attendable(torch.tensor([[True, False], [False, False]])).flatten(1)
    tensor([[ True, False],
            [ True,  True]])
    """
    return (mask | ~mask.any(1, keepdim=True))[:, None, None, :]
