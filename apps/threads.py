"""How many threads a training may take: one unless told otherwise, so that results do not hang on the machine."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def torch_threads(n_threads: int) -> Iterator[None]:
    """Let torch use `n_threads` threads inside the block.

    With one, sums are taken in the same order on any machine; small networks are hardly slower, and on a machine that
    is busy with other work much faster, since threads that wait for each other spin.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(n_threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
