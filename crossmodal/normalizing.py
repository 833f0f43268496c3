"""What networks do to each signal before they look at it."""

from torch import Tensor

WAYS = ("center", "record", "none")


def normalized(signals: Tensor, how: str) -> Tensor:
    """Return signals of shape (n_rows, n_leads, length) without their leads' means, and brought to deviation 1.

    Parameters
    ----------
    signals : Tensor of shape (n_rows, n_leads, length)
        Samples.
    how : {"center", "record", "none"}
        Take away each lead's mean; also divide by the study's standard deviation; or do nothing.
    """
    if how != "none":
        signals = signals - signals.mean(dim=-1, keepdim=True)
    if how == "record":
        signals = signals / (signals.std(dim=(1, 2), keepdim=True, correction=0) + 1e-6)
    return signals


def check_normalize(how: str) -> str:
    """Return `how`, or raise when there is no such way."""
    if how not in WAYS:
        raise ValueError(f'normalize is {how!r}; it is "center", "record" or "none"')
    return how
