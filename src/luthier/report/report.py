"""The report: what a study found, as one value that is written as a page, as text or as JSON."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, final, get_args

import numpy as np

from luthier.analysis.wording import counted, duration, percent
from luthier.core.record import trial_json
from luthier.core.trial import EMPTY
from luthier.errors import ArgumentError
from luthier.plots import FIGURES, Figure
from luthier.report import markdown, page
from luthier.report.facts import Facts, facts_of, value_words
from luthier.report.finding import Finding, json_value, plain
from luthier.report.findings import findings_of, next_steps
from luthier.space.wording import condition_words, relation_words
from luthier.study.notes import note_in, tags_in
from luthier.study.progress import summary

if TYPE_CHECKING:
    from luthier.core.history import History
    from luthier.core.trial import FrozenTrial
    from luthier.space import Space
    from luthier.study.study import Study

__all__ = ["FORMATS", "Report", "report", "tell"]

Format = Literal["html", "md", "json"]
FORMATS: Final = get_args(Format)
_ENDINGS: Final = {".html": "html", ".htm": "html", ".md": "md", ".json": "json"}
_ROWS: Final = 20
_COLUMNS: Final = 30


@final
@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """What a study found; made by ``report``.

    Attributes:
        name: The study's name.
        made: When the report was made, in seconds since the epoch.
        summary: How the study stands, in a few words.
        tiles: What a reader looks for first: heading, value, and a few words more.
        findings: What was found, the most important first.
        next_steps: What to do next, the most pressing first.
        figures: Those that have something to show, by name.
        columns: Headings of the table of the best trials.
        rows: Its rows, best first.
        run: How it was run: headings and what they say.
        parameters: A row for each parameter: name, kind, values, scale, condition.
        trials: The best trials, as JSON values.
    """

    name: str
    made: float
    summary: str
    tiles: tuple[tuple[str, str, str], ...]
    findings: tuple[Finding, ...]
    next_steps: tuple[str, ...]
    figures: Mapping[str, Figure]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    run: Mapping[str, str]
    parameters: tuple[tuple[str, ...], ...]
    trials: tuple[Mapping[str, Any], ...]

    def to_html(self) -> str:
        """Return the report as a page that needs no network."""
        return page.whole(self)

    def to_markdown(self) -> str:
        """Return the report as Markdown, without figures."""
        return markdown.written(self)

    def to_json(self) -> str:
        """Return findings, best trials and how it was run as JSON text, without figures."""
        document = {
            "study": plain(self.name),
            "made": self.made,
            "summary": self.summary,
            "findings": [
                {
                    "topic": found.topic,
                    "title": found.title,
                    "text": found.text,
                    "strength": found.strength,
                    "numbers": found.numbers,
                    "advice": found.advice,
                }
                for found in self.findings
            ],
            "next_steps": list(self.next_steps),
            "trials": list(self.trials),
            "run": dict(self.run),
            "parameters": [
                dict(zip(("name", "kind", "values", "scale", "when"), row, strict=True))
                for row in self.parameters
            ],
        }
        return json.dumps(document, indent=2, allow_nan=False) + "\n"

    def to(self, format: Format) -> str:  # noqa: A002 - as everywhere else
        """Return the report in a format: "html", "md" or "json".

        Raises:
            ArgumentError: Another format.
        """
        if format not in FORMATS:
            raise ArgumentError(f"format must be one of {', '.join(FORMATS)}, got {format!r}.")
        make = {"html": self.to_html, "md": self.to_markdown, "json": self.to_json}
        return make[format]()

    def save(self, path: str | os.PathLike[str], format: Format | None = None) -> Path:  # noqa: A002
        """Write the report into a file; return its path.

        Args:
            path: The file; what was there is replaced.
            format: "html", "md" or "json"; None goes by the file's ending.

        Raises:
            ArgumentError: Another format, or an ending that tells none.
        """
        target = Path(path)
        known = _ENDINGS.get(target.suffix.lower()) if format is None else format
        if known is None:
            raise ArgumentError(
                f"save: the file's name must end in .html, .md or .json, or format be given, got "
                f"{target.name!r}."
            )
        text = self.to(known)  # type: ignore[arg-type]
        target.write_text(text, encoding="utf-8")
        return target

    def _repr_html_(self) -> str:
        return page.inside(self)

    def __str__(self) -> str:
        return "\n\n".join([f"{self.name}: {self.summary}", *map(str, self.findings)])


def report(study: Study, *, seed: int = 0) -> Report:
    """Tell what a study found: in words, with figures, the best trials, and how it was run.

    Args:
        study: Any study, also a running or an empty one.
        seed: Of the models behind findings and figures: same history and seed, same findings.

    Example:
        >>> import luthier
        >>> study = luthier.create_study(seed=0)
        >>> study.optimize(lambda trial: trial.suggest_float("x", -1, 1) ** 2, n_trials=20)
        >>> found = report(study)
        >>> found.findings[0].title, found.to_html().startswith("<!doctype html>")
        ('What won', True)
    """
    record = study.storage.load_study(study.study_name)
    settings = study.storage.get_state(record.id).get("settings", record.settings)
    return tell(study.history, study.study_name, settings, study.user_attrs, seed=seed)


def tell(
    history: History,
    name: str,
    settings: Mapping[str, Any] = EMPTY,
    attrs: Mapping[str, Any] = EMPTY,
    *,
    seed: int = 0,
) -> Report:
    """Tell what a history holds, of a study or not; see ``report``.

    Args:
        history: Any.
        name: What to call it.
        settings: The specs of "sampler" and "scheduler".
        attrs: The study's user attributes: its note and tags are told.
        seed: As for ``report``.
    """
    facts = facts_of(history, history.space, seed)
    findings = findings_of(facts)
    best = facts.trials(facts.ranked[:_ROWS])
    columns, rows = _table(best)
    return Report(
        name,
        time.time(),
        plain(summary(history)),
        tuple(_tiles(facts)),
        findings,
        next_steps(findings),
        _figures(facts),
        columns,
        rows,
        dict(_run(facts, settings, attrs)),
        tuple(_parameters(history.space)),
        tuple({"number": trial.number, **json_value(trial_json(trial))} for trial in best),
    )


def _tiles(facts: Facts) -> Iterator[tuple[str, str, str]]:
    """What a reader looks for first."""
    history, used = facts.history, facts.diagnosis.utilisation
    best = facts.best
    if best is None:
        yield "Best", "none yet", ""
    elif len(facts.names) > 1:
        yield (
            "Pareto front",
            counted(len(facts.ranked), "trial"),
            f"of {len(facts.names)} objectives",
        )
    else:
        way = "minimised" if facts.sign() > 0 else "maximised"
        value = facts.sign() * float(facts.outcomes.Y[facts.ranked[0], 0])
        yield plain(facts.names[0], 40), value_words(value), f"{way}, by trial {best.number}"
    groups = (("pruned", history.pruned), ("failed", history.failed), ("running", history.running))
    more = ", ".join(f"{len(group):,} {what}" for what, group in groups if len(group))
    yield "Trials", f"{history.n_trials:,}", more
    for name, found in list(facts.importances.items())[:1]:
        if not found.is_meaningless:
            share = f"{percent(float(found.shares[0]))} of what mattered"
            several = f" for {plain(name, 40)}" if len(facts.names) > 1 else ""
            yield "Most important", plain(found.parameters[0], 40), share + several
    if used.n:
        yield "Work", duration(used.work), f"on {counted(used.slots, 'slot')}"


def _figures(facts: Facts) -> dict[str, Figure]:
    """All figures that have something to show."""
    history, space = facts.history, facts.space
    found = facts.importances.get(facts.names[0])
    figures = {}
    for name, kind in FIGURES.items():
        if kind.applies(history, space):
            given = {"found": found} if name in ("importance", "interactions") and found else {}
            with np.errstate(over="ignore", invalid="ignore"):  # values near the end of floats
                figures[name] = kind.draw(history, space, **given)
    return figures


def _table(
    trials: Sequence[FrozenTrial],
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    metrics = list(dict.fromkeys(name for trial in trials for name in trial.metric_names))
    params = list(dict.fromkeys(name for trial in trials for name in trial.param_names))[:_COLUMNS]
    columns = ("trial", *(plain(name, 60) for name in (*metrics, *params)), "seconds")
    rows = tuple(
        (
            str(trial.number),
            *(_cell(trial.metrics.get(name, "")) for name in metrics),
            *(_cell(trial.params.get(name, "")) for name in params),
            "" if trial.cost is None else f"{trial.cost:.3g}",
        )
        for trial in trials
    )
    return columns, rows


def _cell(value: object) -> str:
    if value is None:
        return "None"
    return value_words(value) if isinstance(value, float) else plain(value, 60)


def _parameters(space: Space) -> Iterator[tuple[str, ...]]:
    for name, param in space.items():
        scale = getattr(param, "scale", "") or ""
        words = (param.kind, param.domain(), scale, condition_words(param, space))
        yield (plain(name, 120), *(plain(word, 240) for word in words))


def _run(
    facts: Facts, settings: Mapping[str, Any], attrs: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """How the study was run."""
    history, objective = facts.history, facts.history.objective
    ways = zip(objective.directions, objective.names, strict=True)
    yield "Objective", ", ".join(f"{way} {plain(name, 60)}" for way, name in ways)
    if objective.constraints:
        yield "Constraints", ", ".join(plain(c) for c in objective.constraints)
    yield "Sampler", _spec(settings.get("sampler"))
    yield "Scheduler", _spec(settings.get("scheduler"))
    proposed = facts.diagnosis.reasons
    yield "What proposed", plain(proposed) if proposed.rows else "nothing yet"
    yield "Seed", str(history.seed)
    yield "Trials", _counts(facts)
    yield from _times(facts)
    if facts.space.relations:
        words = [relation_words(relation, facts.space) for relation in facts.space.relations]
        yield "Relations", plain("; ".join(words))
    for title, text in (
        ("Note", note_in(attrs)),
        ("Tags", ", ".join(tags_in(attrs))),
    ):
        if text:
            yield title, plain(text)
    yield "Version of the study", str(history.version)
    yield (
        "Luthier",
        f"{version('luthier')}, Python {platform.python_version()}, NumPy {np.__version__}",
    )


def _spec(spec: Mapping[str, Any] | None) -> str:
    """A sampler or scheduler with its settings, in words."""
    if not spec:
        return "unknown"
    name = plain(spec.get("name", "?"), 60)
    own = ", ".join(
        f"{plain(k, 60)}={plain(json.dumps(v), 120)}" for k, v in spec.items() if k != "name"
    )
    return f"{name} ({own})" if own else name


def _counts(facts: Facts) -> str:
    history = facts.history
    groups = (
        ("completed", history.completed),
        ("pruned", history.pruned),
        ("failed", history.failed),
        ("running", history.running),
        ("waiting", history.waiting),
        ("paused", history.paused),
    )
    shown = ", ".join(f"{len(group):,} {what}" for what, group in groups if len(group))
    planned = "" if history.planned is None else f"; planned are {history.planned:,}"
    return (shown or counted(0, "trial")) + planned


def _times(facts: Facts) -> Iterator[tuple[str, str]]:
    used = facts.diagnosis.utilisation
    if used.n:
        yield "Began", _moment(used.spans[0].start)
        yield "Ended", _moment(max(span.end for span in used.spans))
        busy = f", busy {percent(used.busy)}" if used.work else ""
        yield "Work", f"{duration(used.work)} on {counted(used.slots, 'slot')}{busy}"


def _moment(seconds: float) -> str:
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))
    except (OSError, OverflowError, ValueError):  # a clock that no calendar has
        return "unknown"
