"""How a glance at a study looks on a terminal.

Texts are never markup: what others wrote into a storage is shown as it is, and cut where it ends
at the edge.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from luthier.cli.glance import Glance, Worker, sparkline
from luthier.cli.printing import cell, pairs

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table
    from rich.text import Text

    from luthier.core.trial import FrozenTrial

__all__ = ["duration", "panel"]

_STYLES: Final = {
    "complete": "green",
    "pruned": "yellow",
    "failed": "red",
    "running": "cyan",
    "paused": "blue",
    "waiting": "dim",
}
_HEAD: Final = 8  # lines that are there whatever the study
_NARROW: Final = 60
_FOOT: Final = "q or Ctrl-C ends the watch; the study goes on."


def panel(seen: Glance, console: Console, *, height: int | None = None) -> RenderableType:
    """Draw a glance for a console.

    Args:
        seen: The glance.
        console: Says how wide, and which letters it has.
        height: How many lines there are; None for as many as it takes. Then no word is said of
            how to end.
    """
    from rich.console import Group
    from rich.rule import Rule

    width = console.width
    plain = not (console.encoding or "").lower().startswith("utf")
    n_workers, n_running, n_ends = _shares(seen, height)
    parts: list[RenderableType] = [_title(seen), _counts(seen), _progress(seen, width, plain)]
    parts += [_best(seen, name, width) for name in seen.best] or [_line("Best", "none yet")]
    if len(seen.values):
        parts.append(_spark(seen, width, plain))
    line = "-" if plain else "─"
    for title, table in (
        ("Running", _running(seen, n_running, width)),
        ("Workers", _workers(seen.workers, n_workers)),
        ("Ended last", _ends(seen.ends[:n_ends], seen.now, width)),
    ):
        if table.row_count:
            parts += [Rule(title, align="left", style="dim", characters=line), table]
    if seen.trouble:
        parts.append(_text(seen.trouble, "bold red"))
    if height is not None:
        parts.append(_text(_FOOT, "dim"))
    return Group(*parts)


def _shares(seen: Glance, height: int | None) -> tuple[int, int, int]:
    """How many lines workers, running trials and ended ones get."""
    if height is None:
        return len(seen.workers), len(seen.running), 10
    room = max(height - _HEAD - max(len(seen.best), 1) - bool(seen.trouble) - 3, 0)
    n_running = min(len(seen.running), max(room // 2, 1))
    n_workers = min(len(seen.workers), max(room // 4, 1))
    return n_workers, n_running, max(room - n_running - n_workers, 0)


def _text(text: str, style: str = "") -> Text:
    from rich.text import Text

    return Text(cell(text), style=style, no_wrap=True, overflow="ellipsis")


def _line(name: str, *parts: str | tuple[str, str]) -> Text:
    from rich.text import Text

    told = [(cell(p), "") if isinstance(p, str) else (cell(p[0]), p[1]) for p in parts]
    return Text.assemble((f"{name:<8}", "dim"), *told, no_wrap=True, overflow="ellipsis")


def _title(seen: Glance) -> Text:
    return _line("Study", (seen.name, "bold"), f"  {seen.goals}")


def _counts(seen: Glance) -> Text:
    told: list[str | tuple[str, str]] = []
    for state, n in seen.counts.items():
        told += [", " if told else "", (f"{n:,} {state}", _STYLES[state])]
    return _line("Trials", *(told or ["none yet"]))


def _progress(seen: Glance, width: int, plain: bool) -> Text:
    rate = f"{seen.per_minute:.3g} trials a minute"
    left = seen.seconds_left
    rate += f", about {duration(left)} left" if left is not None else ""
    if not seen.goal:
        return _line("Rate", rate)
    room = max(min(width - 60, 30), 8)
    full = min(round(room * seen.done / seen.goal), room)
    bar = ("#" if plain else "━") * full
    rest = ("-" if plain else "─") * (room - full)
    of = f" {seen.done:,} of {seen.goal:,}  "
    return _line("Goal", (bar, "green"), (rest, "dim"), of, rate)


def _best(seen: Glance, name: str, width: int) -> Text:
    trial = seen.best[name]
    several = f"{name} " if len(seen.best) > 1 else ""
    told = f" by trial {trial.number}"
    params = f": {pairs(trial.params)}" if width >= _NARROW and len(seen.best) == 1 else ""
    return _line("Best", several, (f"{trial.metrics[name]:.6g}", "bold green"), told, params)


def _spark(seen: Glance, width: int, plain: bool) -> Text:
    line = sparkline(seen.values, max(width - 9, 1), maximize=seen.maximize, plain=plain)
    return _line("Values", (line, "cyan"))


def _table(*ratios: int, wide: bool = True) -> Table:
    """A table whose columns share what room is left; the last one is there only if it is wide."""
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), expand=True, show_header=False)
    for place, ratio in enumerate(ratios if wide else ratios[:-1]):
        table.add_column(
            no_wrap=True,
            overflow="ellipsis",
            ratio=ratio or None,
            justify="right" if place == 0 else "left",
        )
    return table


def _running(seen: Glance, n: int, width: int) -> Table:
    wide = width >= _NARROW
    table = _table(0, 0, 0, 2, 3, wide=wide)
    for trial in seen.running[:n]:
        step = trial.last_step
        report = "" if step is None else pairs(trial.reports[step])
        row = [str(trial.number), duration(seen.now - (trial.started or seen.now))]
        row += ["" if step is None else f"{seen.fidelity} {step}", report]
        table.add_row(*map(_text, [*row, pairs(trial.params)] if wide else row))
    _add_rest(table, len(seen.running) - n)
    return table


def _workers(workers: Sequence[Worker], n: int) -> Table:
    table = _table(0, 0, 1, 2)
    for worker in workers[:n]:
        trials = ", ".join(map(str, worker.trials))
        style = "yellow" if worker.known else ""
        row = (str(len(worker.trials)), worker.place, f"trial {trials}")
        table.add_row(*map(_text, row), _text(worker.known, style))
    _add_rest(table, len(workers) - n)
    return table


def _add_rest(table: Table, left: int) -> None:
    if left > 0:
        table.add_row(_text("..."), _text(f"{left} more", "dim"))


def _ends(trials: Iterable[FrozenTrial], now: float, width: int) -> Table:
    wide = width >= _NARROW
    table = _table(0, 0, 2, 0, 3, wide=wide)
    for trial in trials:
        state = trial.state.name.lower()
        result = pairs(trial.metrics) if trial.metric_names else (trial.error or "").split("\n")[0]
        ago = "" if trial.finished is None else f"{duration(now - trial.finished)} ago"
        row = [_text(str(trial.number)), _text(state, _STYLES[state]), _text(result), _text(ago)]
        table.add_row(*row, *([_text(pairs(trial.params))] if wide else []))
    return table


def duration(seconds: float) -> str:
    """Return seconds as a person says them.

    Example:
        >>> duration(5), duration(100), duration(7300), duration(200_000)
        ('5 s', '1 min 40 s', '2 h 1 min', '2 d 7 h')
    """
    whole = max(int(seconds), 0)
    units = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    place = next((k for k, (_, size) in enumerate(units) if whole >= size), len(units) - 1)
    told: list[str] = []
    for name, size in units[place : place + 2]:
        n, whole = divmod(whole, size)
        told += [f"{n} {name}"] if n or not told else []
    return " ".join(told)
