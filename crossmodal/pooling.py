"""From many instances to one bag: an encoder of instances, a way of pooling them, and how much each one said."""

from typing import Any

import torch
from torch import Tensor, nn

from sidelight.labeling.seeds import derive_seed

from .encoders import ENCODERS
from .heads import LinearHead, Network
from .randomness import seeded
from .recompute import pieces_of

POOLS = ("gated-attention", "attention", "mean", "max")


class BagEncoder(nn.Module):
    """Features of a bag: those of its instances, pooled; instances that are NaN are not there.

    The order of instances, and how many NaN ones stand beside them, do not matter. Attention suits findings that few
    instances show, the mean those that all do, the maximum single events.

    Parameters
    ----------
    n_leads : int
        Leads or channels of an instance.
    instance : str or Module, default "resnet1d"
        A name in `ENCODERS`, or a module that maps (n, n_leads, ...) to (n, n_features).
    pool : {"gated-attention", "attention", "mean", "max"}, default "gated-attention"
        How instances become one.
    attention_width : int, default 64
        Hidden units of the attention.
    instance_dropout : float, default 0.2
        Chance of each instance to be left out in training; a bag never loses all.
    instance_config : dict, optional
        Arguments of the named encoder.
    seed : int, default 0
        Of the initial weights.

    Attributes
    ----------
    n_features : int
        Width of the output.

    References
    ----------
    M. Ilse, J. Tomczak, M. Welling, "Attention-based deep multiple instance learning", ICML 2018, equations 8 and 9:
    a_k is the softmax over k of w' (tanh(V h_k) * sigmoid(U h_k)); the bag is the sum of a_k h_k.

    Examples
    --------
    >>> encoder = BagEncoder(n_leads=1, instance_config={"width": 8, "n_blocks": 2}).eval()
    >>> bag = torch.randn(1, 3, 1, 64)
    >>> bag[0, 2] = torch.nan                                              # two instances and a place left empty
    >>> torch.allclose(encoder(bag), encoder(bag[:, :2]), atol=1e-6)
    True
    """

    takes_bags = True

    def __init__(
        self,
        n_leads: int,
        instance: str | nn.Module = "resnet1d",
        pool: str = "gated-attention",
        attention_width: int = 64,
        instance_dropout: float = 0.2,
        instance_config: dict[str, Any] | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if pool not in POOLS:
            raise ValueError(f"pool is {pool!r}; it is one of {', '.join(POOLS)}")
        if isinstance(instance, str) and instance not in ENCODERS:
            known = ", ".join(sorted(ENCODERS))
            raise ValueError(f"instance is {instance!r}; known by name: {known}")
        if not 0 <= instance_dropout < 1:
            raise ValueError(f"instance_dropout is {instance_dropout}; it is from 0 to below 1")
        self.pool, self.instance_dropout = pool, instance_dropout
        self.holds_own = not isinstance(instance, str)
        self.config: dict[str, Any] = {
            "n_leads": n_leads,
            "instance": instance if isinstance(instance, str) else None,
            "pool": pool,
            "attention_width": attention_width,
            "instance_dropout": instance_dropout,
            "instance_config": dict(instance_config or {}),
            "seed": seed,
        }
        if isinstance(instance, str):
            own = {"seed": derive_seed(seed, "instance"), **(instance_config or {})}
            instance = ENCODERS[instance](n_leads=n_leads, **own)
        self.instance = instance
        self.n_features = int(instance.n_features)  # type: ignore[arg-type]
        self.n_dimensions = getattr(instance, "n_dimensions", None)
        with seeded(derive_seed(seed, "attention")):
            self.look = nn.Linear(self.n_features, attention_width)
            self.gate = nn.Linear(self.n_features, attention_width)
            self.score = nn.Linear(attention_width, 1)

    def pieces(self) -> list[nn.Module]:
        """Return the parts of the instances' encoder that may be computed again instead of being kept."""
        return pieces_of(self.instance)

    def forward(self, bags: Tensor) -> Tensor:
        """Return features of shape (n_bags, n_features) of bags (n_bags, n_instances, n_leads, ...)."""
        features, present = self.encode(bags)
        if self.training and self.instance_dropout:
            kept = present & (torch.rand(present.shape, device=present.device) >= self.instance_dropout)
            present = torch.where(kept.any(dim=1, keepdim=True), kept, present)
        if self.pool == "max":
            lowest = torch.finfo(features.dtype).min
            return features.masked_fill(~present[:, :, None], lowest).amax(dim=1)
        return (self.attention(features, present)[:, :, None] * features).sum(dim=1)

    def encode(self, bags: Tensor) -> tuple[Tensor, Tensor]:
        """Return features of each instance, zeros where there is none, and which are there.

        Returns
        -------
        features : Tensor of shape (n_bags, n_instances, n_features)
        present : Tensor of bool of shape (n_bags, n_instances)

        Raises
        ------
        ValueError
            When a bag holds no instance.
        """
        present = ~torch.isnan(bags).flatten(2).any(dim=2)
        empty = ~present.any(dim=1)
        if len(bags) and bool(empty.any()):
            raise ValueError(f"bag {int(empty.nonzero()[0])} of the batch holds no instance")
        # only instances that are there are encoded, so that batch norm never sees the empty places
        found = self.instance(bags[present])
        features = found.new_zeros(*present.shape, self.n_features)
        features[present] = found
        return features, present

    def attention(self, features: Tensor, present: Tensor) -> Tensor:
        """Return each instance's share of its bag, of shape (n_bags, n_instances); rows sum to 1."""
        if self.pool in ("mean", "max"):
            return present / present.sum(dim=1, keepdim=True)
        hidden = torch.tanh(self.look(features))
        if self.pool == "gated-attention":
            hidden = hidden * torch.sigmoid(self.gate(features))
        scores: Tensor = self.score(hidden).squeeze(-1).float()
        return torch.softmax(scores.masked_fill(~present, -torch.inf), dim=1).to(features.dtype)


def instance_scores(network: Network, bags: Tensor) -> Tensor:
    """Return what each instance adds to each class's logit, of shape (n_bags, n_instances, n_classes).

    Summed over a bag's instances, with the head's bias added, they are the bag's logits. An attention weight alone is no
    evidence: in a bag without the finding something still gets it.

    Parameters
    ----------
    network : Network
        A `BagEncoder` that does not take the maximum, and a `LinearHead`: `CrossModalClassifier.network_`.
    bags : Tensor of shape (n_bags, n_instances, n_leads, ...)
        From ``Bags.batch``.
    """
    encoder, head = network.encoder, network.head
    if not isinstance(encoder, BagEncoder) or not isinstance(head, LinearHead) or encoder.pool == "max":
        raise ValueError("instance scores need a BagEncoder with attention or mean, and a LinearHead")
    network.eval()
    with torch.inference_mode():
        features, present = encoder.encode(bags)
        shares = encoder.attention(features, present)
        return shares[:, :, None] * (features @ head.linear.weight.T)
