"""Pages and fragments of HTML that show figures without a network.

A figure lies in its element as JSON; ``static/figures.js`` draws all that aren't drawn yet. The
plotly.js that does the work is put in compressed, which is a third of its size.
"""

from __future__ import annotations

import base64
import gzip
import html
import json
import tempfile
import webbrowser
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from luthier.plots.theme import FONT, THEMES

__all__ = ["drawing", "element", "fragment", "page", "show_in_browser", "static"]

_STYLE = """
html { color-scheme: light dark; }
html[data-theme="light"] { color-scheme: light; }
html[data-theme="dark"] { color-scheme: dark; }
body { margin: 0; font-family: %s; background: light-dark(%s, %s); color: light-dark(%s, %s); }
.luthier-figure { min-height: 30rem; }
"""


def static(name: str) -> str:
    """Return the text of a file of ``plots/static``: "plotly-cartesian.min.js", "figures.js"."""
    return (files("luthier.plots") / "static" / name).read_text(encoding="utf-8")


def element(figure: str, height: str = "") -> str:
    """Return the element of one figure; ``drawing`` draws it.

    Args:
        figure: Its JSON.
        height: Its height in CSS, by default what the figure asks for.
    """
    style = f' style="height:{html.escape(height)}"' if height else ""
    return (
        f'<div class="luthier-figure"{style}><script type="application/json">'
        f"{_in_script(figure)}</script></div>"
    )


def drawing(script: str = "inline") -> str:
    """Return the scripts that draw all figures of a page; they stand once, after the figures.

    Args:
        script: "inline", or the address of plotly.js.
    """
    templates = json.dumps({name: theme.template for name, theme in THEMES.items()})
    draw = f"luthierFigures.drawAll({_in_script(templates)})"
    if script != "inline":
        source = html.escape(script, quote=True)
        code = f"{static('figures.js')}\n{draw};"
        return f'<script src="{source}"></script>\n<script>{code}</script>'
    return f"<script>{static('figures.js')}\n{_UNPACK % (_packed(), draw)}</script>"


def fragment(figures: Sequence[str]) -> str:
    """Return HTML for the inside of a page, such as the output of a notebook's cell."""
    return "\n".join([*map(element, figures), drawing()])


def page(title: str, figures: Sequence[str], script: str, theme: str) -> str:
    """Return a whole page.

    Args:
        title: Its title.
        figures: The JSON of each figure.
        script: "inline", or the address of plotly.js.
        theme: "light", "dark" or "auto".
    """
    told = f' data-theme="{theme}"' if theme in THEMES else ""
    light, dark = THEMES["light"], THEMES["dark"]
    style = _STYLE % (FONT, light.paper, dark.paper, light.ink, dark.ink)
    body = "\n".join([*map(element, figures), drawing(script)])
    return (
        f'<!doctype html>\n<html lang="en"{told}>\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>{style}</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def show_in_browser(text: str) -> None:
    """Write a page into a temporary file and open it."""
    folder = Path(tempfile.mkdtemp(prefix="luthier-"))
    path = folder / "figure.html"
    path.write_text(text, encoding="utf-8")
    webbrowser.open(path.as_uri())


# Loaded once by a page, even if many figures bring it; ``define`` is hidden since a page with
# RequireJS (older notebooks) would take the script for a module of its own.
_UNPACK = """
(async () => {
  window.luthierPlotly ??= window.Plotly ? Promise.resolve() : (async () => {
    const bytes = Uint8Array.from(atob("%s"), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    const code = await new Response(stream).text();
    script.textContent = `(function (define, module, exports) {${code}\n}).call(window);`;
    document.head.append(script);
  })();
  await window.luthierPlotly;
  %s;
})();
"""


@lru_cache(maxsize=1)
def _packed() -> str:
    script = static("plotly-cartesian.min.js").encode()
    return base64.b64encode(gzip.compress(script, 9, mtime=0)).decode()


def _in_script(data: Any) -> str:
    """JSON that can't end the element that holds it."""
    return str(data).replace("<", "\\u003c").replace("\u2028", "\\u2028")
