"""Labels that people give, kept as events that are only ever added: one writer, group commit, SQLite or Postgres."""

from .events import KINDS, LabelEvent, new_event_id
from .ledger import Decision, Ledger
from .store import LabelStore, Receipt

__all__ = ["KINDS", "Decision", "LabelEvent", "LabelStore", "Ledger", "Receipt", "new_event_id"]
