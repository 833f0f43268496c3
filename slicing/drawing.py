"""Pictures as inline SVG: plain shapes with class names, so that one style sheet colours them in light and dark."""

import math
from collections.abc import Sequence
from html import escape


class Drawing:
    """An SVG picture under construction; coordinates are those of its view box.

    Parameters
    ----------
    width, height : float
        Size of the view box.
    title : str
        What the picture shows, in a few words; read out by screen readers.
    description : str
        What it tells, for someone who cannot see it.
    name : str
        Unique on the page; ids are made from it.
    css_class : str, default "figure"
        Class of the picture itself.

    Examples
    --------
    >>> drawing = Drawing(10, 10, title="A line", description="From corner to corner.", name="line")
    >>> drawing.line(0, 0, 10, 10, "axis")
    >>> "<line" in drawing.svg()
    True
    """

    def __init__(
        self,
        width: float,
        height: float,
        *,
        title: str,
        description: str,
        name: str,
        css_class: str = "figure",
    ) -> None:
        self.width, self.height = width, height
        self.title, self.description, self.name, self.css_class = title, description, name, css_class
        self._parts: list[str] = []

    def line(self, x1: float, y1: float, x2: float, y2: float, css_class: str) -> None:
        """Draw a straight line."""
        self._parts.append(
            f'<line x1="{_n(x1)}" y1="{_n(y1)}" x2="{_n(x2)}" y2="{_n(y2)}" class="{css_class}"/>'
        )

    def rect(
        self, x: float, y: float, width: float, height: float, css_class: str, *, radius: float = 0
    ) -> None:
        """Draw a rectangle."""
        rounded = f' rx="{_n(radius)}"' if radius else ""
        self._parts.append(
            f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(max(width, 0))}" height="{_n(max(height, 0))}"{rounded} '
            f'class="{css_class}"/>'
        )

    def circle(self, x: float, y: float, radius: float, css_class: str) -> None:
        """Draw a circle."""
        self._parts.append(f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}" class="{css_class}"/>')

    def diamond(self, x: float, y: float, radius: float, css_class: str) -> None:
        """Draw a square standing on its corner."""
        points = [(x - radius, y), (x, y - radius), (x + radius, y), (x, y + radius)]
        self.polygon(points, css_class)

    def polygon(self, points: Sequence[tuple[float, float]], css_class: str) -> None:
        """Draw a closed shape."""
        joined = " ".join(f"{_n(x)},{_n(y)}" for x, y in points)
        self._parts.append(f'<polygon points="{joined}" class="{css_class}"/>')

    def path(self, points: Sequence[tuple[float, float]], css_class: str, *, digits: int = 2) -> None:
        """Draw a line through many points."""
        if not points:
            return
        steps = "".join(f"L{_n(x, digits)} {_n(y, digits)}" for x, y in points)
        self._parts.append(f'<path d="M{steps[1:]}" class="{css_class}"/>')

    def grid(self, x: float, y: float, width: float, height: float, step: float, css_class: str) -> None:
        """Draw squares of `step` to a side, as one path."""
        across = [
            f"M{_n(x + index * step)} {_n(y)}v{_n(height)}" for index in range(int(width / step + 1e-9) + 1)
        ]
        down = [
            f"M{_n(x)} {_n(y + index * step)}h{_n(width)}" for index in range(int(height / step + 1e-9) + 1)
        ]
        self._parts.append(f'<path d="{"".join(across + down)}" class="{css_class}"/>')

    def text(
        self, x: float, y: float, words: str, css_class: str, *, anchor: str = "start", turn: float = 0
    ) -> None:
        """Write words; `anchor` is start, middle or end."""
        turned = f' transform="rotate({_n(turn)} {_n(x)} {_n(y)})"' if turn else ""
        self._parts.append(
            f'<text x="{_n(x)}" y="{_n(y)}" text-anchor="{anchor}" class="{css_class}"{turned}>{escape(words)}</text>'
        )

    def svg(self) -> str:
        """Return the picture as an `<svg>` element."""
        name = escape(self.name, quote=True)
        return (
            f'<svg class="{self.css_class}" viewBox="0 0 {_n(self.width)} {_n(self.height)}" role="img" '
            f'aria-labelledby="{name}-title {name}-description" xmlns="http://www.w3.org/2000/svg">'
            f'<title id="{name}-title">{escape(self.title)}</title>'
            f'<desc id="{name}-description">{escape(self.description)}</desc>'
            + "".join(self._parts)
            + "</svg>"
        )


def nice_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Return round numbers that span at most `low` to `high`.

    Examples
    --------
    >>> nice_ticks(-0.13, 0.31)
    [-0.1, 0.0, 0.1, 0.2, 0.3]
    """
    span = high - low
    if not span > 0:
        return [low]
    step = 10.0**-12
    for power in range(-12, 13):
        for factor in (1.0, 2.0, 5.0):
            step = factor * 10.0**power
            first = math.ceil(low / step - 1e-9)
            last = math.floor(high / step + 1e-9)
            if last - first + 1 <= most:
                return [round(index * step, 12) + 0.0 for index in range(first, last + 1)]
    return [low, high]


def _n(value: float, digits: int = 2) -> str:
    """Return a number without needless digits."""
    text = f"{value:.{digits}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
