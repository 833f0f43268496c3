"""What `sidelight audit` reads, and all that it looks into."""

from .material import Material, read_material, without_taught
from .study import Wishes, study

__all__ = ["Material", "Wishes", "read_material", "study", "without_taught"]
