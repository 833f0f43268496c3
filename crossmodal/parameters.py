"""scikit-learn's way of asking an estimator for its arguments, for estimators that do not inherit from it."""

import inspect
from typing import Any, Self


class Parameters:
    """Gives `get_params`, `set_params` and a `repr` from the names in ``__init__``."""

    @classmethod
    def _names(cls) -> list[str]:
        return [name for name in inspect.signature(cls).parameters if name != "self"]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the arguments by name; `deep` is there because scikit-learn asks for it."""
        return {name: getattr(self, name) for name in self._names()}

    def set_params(self, **values: Any) -> Self:
        """Set some of the arguments; what was learned stays until the next `fit`."""
        known = self._names()
        for name, value in values.items():
            if name not in known:
                raise ValueError(f"no argument called {name!r}; there are {', '.join(known)}")
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        defaults = inspect.signature(type(self)).parameters
        changed = [
            f"{name}={value if isinstance(value, str | int | float | bool) else type(value).__name__}"
            for name, value in self.get_params().items()
            if value is not defaults[name].default and value != defaults[name].default
        ]
        return f"{type(self).__name__}({', '.join(changed)})"
