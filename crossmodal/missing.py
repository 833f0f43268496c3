"""The error of someone who wants to train without the packages that training needs."""

from sidelight.labeling.faults import UsageError


class MissingTrainingError(UsageError, ImportError):
    """Training needs packages that are not installed; the message says how to get them."""

    def __init__(self, name: str) -> None:
        super().__init__(f'{name} needs torch and lightning: pip install "sidelight[train]"')
