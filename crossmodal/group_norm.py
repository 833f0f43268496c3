"""Group norm in place of batch norm, for trainings in which no record may see another."""

from math import gcd

from torch import nn

MOST_GROUPS = 32
KINDS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def without_batch_norm(module: nn.Module) -> nn.Module:
    """Put group norm, fresh, where a module has batch norm, and mark the module so that bundles build it again.

    Examples
    --------
    >>> without_batch_norm(nn.Sequential(nn.Conv1d(1, 8, 3), nn.BatchNorm1d(8)))[1].num_groups
    8
    """
    found = [
        (parent, name, child)
        for parent in module.modules()
        for name, child in parent.named_children()
        if isinstance(child, KINDS)
    ]
    for parent, name, child in found:
        width = child.num_features
        setattr(parent, name, nn.GroupNorm(gcd(MOST_GROUPS, width), width))
    if found:
        module.group_norm = True  # type: ignore[assignment]
    return module
