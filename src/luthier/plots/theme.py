"""The theme: every colour, symbol and dash of the figures, in one place.

Colours of data are those of Okabe and Ito, darkened or lightened until each keeps a contrast of 3:1
against a light and a dark page; so data looks the same in both, and only what lies behind it, the
text and the colour scales change. These are in two templates of plotly's, which a page applies, and
swaps where the reader's taste changes. In a scale of colours the best is furthest from the page.
Nothing is told by colour alone: states have symbols of their own, lines have dashes.

References:
    Okabe and Ito, Color Universal Design (2008): a palette for all kinds of colour vision.
    van der Walt and Smith, A better default colormap for matplotlib, SciPy 2015: viridis.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, final

from luthier.errors import ArgumentError

__all__ = [
    "DASHES",
    "MARKS",
    "PALETTE",
    "SCALE",
    "THEMES",
    "Mark",
    "Theme",
    "ThemeName",
    "checked_theme",
    "fade",
    "scale_at",
]

ThemeName = Literal["light", "dark", "auto"]

BLUE: Final = "#2a7fc4"
VERMILION: Final = "#d9601a"
GREEN: Final = "#0a9b74"
PURPLE: Final = "#bb6aa0"
AMBER: Final = "#b8860b"
SKY: Final = "#3a97cf"
GREY: Final = "#7d8794"

PALETTE: Final = (BLUE, VERMILION, GREEN, PURPLE, AMBER, SKY, GREY)
"""Colours of series, in the order in which they are used."""

DASHES: Final = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
"""Dashes of series, beside their colours."""

_VIRIDIS: Final = (
    "#440154",
    "#482878",
    "#3e4a89",
    "#31688e",
    "#26828e",
    "#1f9e89",
    "#35b779",
    "#6ece58",
    "#b5de2b",
    "#fde725",
)

SCALE: Final = ("#9aa5b1", "#7f9fb8", "#5b93bd", "#2a7fc4", "#b0644f", "#d9601a")
"""From the worst to the best, of lines that are to be seen on any page."""


@final
@dataclass(frozen=True, slots=True)
class Mark:
    """How trials in one state are drawn.

    Attributes:
        label: What the legend calls them.
        colour: Their colour.
        symbol: Their symbol, one of plotly's.
    """

    label: str
    colour: str
    symbol: str

    def marker(self, size: float = 6, opacity: float = 0.75) -> dict[str, Any]:
        """The mark as a marker of plotly's."""
        return {"color": self.colour, "symbol": self.symbol, "size": size, "opacity": opacity}


MARKS: Final = {
    "complete": Mark("completed", BLUE, "circle"),
    "pruned": Mark("pruned", AMBER, "triangle-down"),
    "failed": Mark("failed", PURPLE, "x-thin-open"),
    "infeasible": Mark("breaks a constraint", GREY, "diamond-open"),
    "running": Mark("running", GREEN, "circle-open"),
    "best": Mark("best", VERMILION, "star"),
}
"""How trials are drawn, by what became of them."""


@final
@dataclass(frozen=True, slots=True)
class Theme:
    """What lies behind the data: colours by role.

    Attributes:
        paper: The page.
        ink: Text.
        faint: Text of less weight, and axes.
        grid: Lines of the grid.
        hover: The box that tells of a point.
        scale: Colours from the lowest to the highest number; the lowest is near to the page.
    """

    paper: str
    ink: str
    faint: str
    grid: str
    hover: str
    scale: tuple[str, ...]

    @property
    def template(self) -> dict[str, Any]:
        """The theme as a template of plotly's: ``layout.template`` of a figure."""
        last = len(self.scale) - 1
        steps = [[round(k / last, 4), colour] for k, colour in enumerate(self.scale)]
        axis = {
            "automargin": True,
            "color": self.faint,
            "gridcolor": self.grid,
            "linecolor": self.grid,
            "tickcolor": self.grid,
            "tickfont": {"size": 11},
            "title": {"font": {"size": 12, "color": self.ink}, "standoff": 8},
            "zeroline": False,
        }
        bar = {"thickness": 10, "outlinewidth": 0, "tickfont": {"size": 11}, "len": 0.9}
        layout = {
            "paper_bgcolor": self.paper,
            "plot_bgcolor": self.paper,
            "font": {"family": FONT, "size": 12, "color": self.ink},
            "title": {
                "font": {"size": 16, "weight": 600},
                "x": 0,
                "xref": "paper",
                "xanchor": "left",
                "y": 1,
                "yanchor": "top",
                "pad": {"t": 14},
                "subtitle": {"font": {"size": 12, "color": self.faint}},
            },
            "colorway": list(PALETTE),
            "coloraxis": {"colorscale": steps, "colorbar": bar},
            "coloraxis2": {"colorscale": steps, "colorbar": bar},
            "hoverlabel": {
                "align": "left",
                "bgcolor": self.hover,
                "bordercolor": self.grid,
                "font": {"family": FONT, "size": 12, "color": self.ink},
            },
            "hovermode": "closest",
            "legend": {
                "bgcolor": "rgba(0,0,0,0)",
                "orientation": "h",
                "x": 0,
                "xanchor": "left",
                "y": 1,
                "yanchor": "bottom",
            },
            "margin": {"l": 56, "r": 24, "t": 48, "b": 48},
            "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": self.faint, "activecolor": self.ink},
            "annotationdefaults": {
                "bgcolor": fade(self.paper, 0.75),
                "font": {"size": 11, "color": self.faint},
                "showarrow": False,
            },
            "xaxis": axis,
            "yaxis": axis,
        }
        return {"layout": layout}


FONT: Final = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'

THEMES: Final = {
    "light": Theme(
        paper="#ffffff",
        ink="#1f2630",
        faint="#5b6470",
        grid="#e6e9ee",
        hover="#ffffff",
        scale=tuple(reversed(_VIRIDIS[:-1])),
    ),
    "dark": Theme(
        paper="#14181f",
        ink="#e6eaf0",
        faint="#a3adba",
        grid="#2b323d",
        hover="#1e242d",
        scale=_VIRIDIS[1:],
    ),
}
"""The two themes by name. "auto" takes the one that the reader prefers."""


def checked_theme(theme: str) -> str:
    """Return the name of a theme, or raise.

    Raises:
        ArgumentError: There is no such theme.
    """
    if theme not in (*THEMES, "auto"):
        raise ArgumentError(f"theme must be 'light', 'dark' or 'auto', got {theme!r}.", theme=theme)
    return theme


def fade(colour: str, opacity: float) -> str:
    """Return a colour that lets what is behind it through.

    Example:
        >>> fade("#2a7fc4", 0.25)
        'rgba(42,127,196,0.25)'
    """
    red, green, blue = (int(colour[k : k + 2], 16) for k in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:g})"


def scale_at(share: float) -> str:
    """Return the colour of a line by its rank: 0 the worst, 1 the best.

    Example:
        >>> scale_at(0.0), scale_at(1.0)
        ('#9aa5b1', '#d9601a')
    """
    return SCALE[min(int(share * len(SCALE)), len(SCALE) - 1)]
