"""Objectives in any language: a command that is run once for each trial.

Parameters stand in the command as ``{lr}``. Its result is a JSON file that it writes to
``{result}``, or else the last line that it prints. Lines such as ``{"step": 3, "loss": 0.2}`` are
reports, sent on while it runs; where the scheduler stops the trial, the command gets SIGTERM.

No shell reads the command. One that is itself ``sh -c '...'`` finds values in variables, where they
can't be taken for code.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO, final

from luthier.errors import ArgumentError, CommandError, TrialPruned
from luthier.executors.process.handle import Guard

if TYPE_CHECKING:
    from luthier.space import Space
    from luthier.study.trial import Trial

__all__ = ["Command"]

_NAME: Final = r"\{([^\W\d][\w.-]*)\}"
_PLACE: Final = re.compile(
    rf"\{{{_NAME}\}}|{_NAME}"
)  # {{name}}, which stands for {name}, or {name}
_OWN: Final = ("result", "trial", "budget", "checkpoint", "params")
_SHELLS: Final = ("sh", "bash", "dash", "ksh", "zsh")
_LOOK_SECONDS: Final = 0.1  # how soon a report is seen
_GRACE_SECONDS: Final = 3.0  # between SIGTERM and SIGKILL; less than a worker process has itself
_SAID: Final = 2_000  # characters of stderr that are kept in a trial's error


@final
@dataclass(frozen=True, slots=True)
class Command:
    """An objective that runs a command; made by ``luthier run --command``.

    Args:
        text: The command, as a POSIX shell would split it into words. ``{name}`` is a parameter:
            text as it is, everything else as JSON, empty where it isn't active. ``{params}`` is
            all active ones as a JSON object, ``{result}`` the file for the result, ``{trial}`` the
            trial's number, ``{budget}`` the step up to which it may go (empty for no limit), and
            ``{checkpoint}`` a folder for its state. ``{{name}}`` is ``{name}`` itself.

    Raises:
        ArgumentError: It is empty, or its quotes don't match.

    Example:
        >>> Command("./train --lr {lr} --out {result}").names
        ('lr', 'result')
    """

    text: str
    _words: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        try:
            words = shlex.split(self.text)
        except ValueError as error:
            raise ArgumentError(
                f"A command must be words as a shell splits them, got {self.text!r}: {error}.",
                command=self.text,
            ) from error
        if not words:
            raise ArgumentError("A command must name a program, got nothing.", command=self.text)
        object.__setattr__(self, "_words", tuple(words))

    @property
    def names(self) -> tuple[str, ...]:
        """What stands in braces, in order."""
        found = [m[2] for word in self._words for m in _PLACE.finditer(word) if m[2]]
        return tuple(dict.fromkeys(found))

    @property
    def program(self) -> str:
        """Its first word."""
        return self._words[0]

    def check(self, space: Space) -> None:
        """Refuse a space that doesn't define what stands in braces.

        Raises:
            ArgumentError: A name is neither a parameter's nor one of our own, or both.
        """
        for name in self.names:
            if name not in space and name not in _OWN:
                raise ArgumentError(
                    f"The command names {{{name}}}, which isn't a parameter of the space: "
                    f"{', '.join(space) or 'it has none'}. Beside them there are: "
                    f"{', '.join(_OWN)}. Write {{{{{name}}}}} for the text in braces itself.",
                    name=name,
                )
            if name in space and name in _OWN:
                raise ArgumentError(
                    f"The command's {{{name}}} means Luthier's own, but the space has a parameter "
                    f"of that name too. Rename the parameter, or take it from {{params}}.",
                    name=name,
                )

    def __call__(self, trial: Trial) -> Any:
        """Run the command, and return its result."""
        with tempfile.TemporaryDirectory(prefix="luthier-") as folder:
            return _Run(trial, Path(folder), self.names).result(self._words)


@final
class _Run:
    """One run of a command, in a process group of its own."""

    def __init__(self, trial: Trial, folder: Path, names: tuple[str, ...]) -> None:
        self._trial = trial
        self._file = folder / "result.json" if "result" in names else None
        self._out = _Output(folder / "out", sys.stdout)
        self._err = _Output(folder / "err", sys.stderr)
        self._saved = folder / "checkpoint"
        self._saves = "checkpoint" in names
        self._read = 0  # so much of what was written has been looked at
        self._values = _values(trial, self._file, self._saved)
        if self._saves:
            self._restore()

    def result(self, words: tuple[str, ...]) -> Any:
        arguments, variables = _filled(words, self._values)
        guard = Guard()  # should this process be killed; so it is there before the command
        try:
            process = self._start(arguments, variables)
            guard.watch(process.pid)
            try:
                self._attend(process)
            finally:
                _kill_group(process)
                guard.forget(process.pid)
                self._out.pass_on()
                self._err.pass_on()
        finally:
            guard.dismiss()
        if process.returncode:
            raise self._failed(process.returncode, arguments)
        self._look(to_the_end=True)
        self._save()
        return self._final()

    def _start(self, arguments: list[str], variables: dict[str, str]) -> subprocess.Popen[bytes]:
        with self._out.opened() as out, self._err.opened() as err:
            try:
                return subprocess.Popen(
                    arguments,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=err,
                    env={**os.environ, **variables},
                    process_group=0,
                )
            except (OSError, ValueError) as error:
                raise CommandError(
                    f"The command couldn't be started: {error}. Its words were {arguments}."
                ) from error

    def _attend(self, process: subprocess.Popen[bytes]) -> None:
        """Send reports on until the command ends, or is to be ended.

        Raises:
            TrialPruned: The scheduler wants no more of it.
        """
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_LOOK_SECONDS)
            self._out.pass_on()
            self._err.pass_on()
            if process.returncode is not None:
                return
            self._look()
            if self._trial.should_prune():
                _terminate(process)
                self._look(to_the_end=True)
                self._save()
                raise TrialPruned("stopped by the scheduler: the command was ended")

    def _look(self, *, to_the_end: bool = False) -> None:
        """Report what has been written since the last time, in whole lines."""
        text = self._written()[self._read :]
        end = len(text) if to_the_end else text.rfind("\n") + 1
        self._read += end
        for line in text[:end].splitlines():
            report = _json(line)
            if isinstance(report, dict) and "step" in report:
                step = report.pop("step")
                self._trial.report(report, step)

    def _written(self) -> str:
        return self._out.text() if self._file is None else _content(self._file)

    def _final(self) -> Any:
        """The result: all that was written as one JSON value, or else the last line of it.

        Raises:
            CommandError: Neither of them is a result.
        """
        text = self._written().strip()
        lines = text.splitlines()
        whole = _json(text) if self._file is not None else None
        for value in (whole, _number(lines[-1]) if lines else None):
            if isinstance(value, dict) and "step" in value:
                return {name: number for name, number in value.items() if name != "step"}
            if isinstance(value, dict | list | int | float) and not isinstance(value, bool):
                return value
        place = "the last line it printed" if self._file is None else "what it wrote to {result}"
        last = lines[-1][:200] if lines else "nothing"
        raise CommandError(
            f"The command ended well, but {place} must be a number, or metrics by name as a JSON "
            f"object, got {last!r}."
        )

    def _failed(self, code: int, arguments: list[str]) -> CommandError:
        how = f"was ended by {_signal_name(-code)}" if code < 0 else f"ended with exit code {code}"
        told = self._err.text().strip()[-_SAID:]
        return CommandError(
            f"The command {how}: {shlex.join(arguments)}\n"
            + (told or "It wrote nothing to its standard error."),
            exit_code=code,
        )

    def _restore(self) -> None:
        """Give the command what an earlier run, or the trial it was cloned from, had saved."""
        self._saved.mkdir()
        saved = self._trial.load_checkpoint()
        if saved is not None:
            shutil.copytree(
                saved.path, self._saved, dirs_exist_ok=True, copy_function=shutil.copyfile
            )
            for place, _, _ in os.walk(self._saved):
                os.chmod(place, 0o700)  # the store's folders are read-only

    def _save(self) -> None:
        """Keep the state that the command has left behind, if it left any."""
        if self._saves and any(self._saved.iterdir()):
            self._trial.save_checkpoint(self._saved)


@final
class _Output:
    """What a command prints: kept in a file, and passed on to where this process prints."""

    def __init__(self, file: Path, stream: TextIO) -> None:
        self._file = file
        self._stream = stream
        self._passed = 0

    @contextlib.contextmanager
    def opened(self) -> Iterator[int]:
        file = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            yield file
        finally:
            os.close(file)

    def text(self) -> str:
        return _content(self._file)

    def pass_on(self) -> None:
        with open(self._file, "rb") as file:
            file.seek(self._passed)
            new = file.read()
        self._passed += len(new)
        if new:
            self._stream.write(new.decode(errors="replace"))
            self._stream.flush()


def _values(trial: Trial, result: Path | None, saved: Path) -> dict[str, str]:
    params = trial.params
    return {name: _text(value) for name, value in params.items()} | {
        "result": str(result),
        "trial": str(trial.number),
        "budget": "" if trial.budget is None else str(trial.budget),
        "checkpoint": str(saved),
        "params": json.dumps(params, default=str),
    }


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _filled(words: tuple[str, ...], values: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """The words with values in the place of names, and variables for code of a shell."""
    code = _code_of_shell(words)
    variables: dict[str, str] = {}
    filled = [
        _as_variables(word, values, variables) if place == code else _as_text(word, values)
        for place, word in enumerate(words)
    ]
    return filled, variables


def _as_text(word: str, values: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda m: values.get(m[2], "") if m[2] else m[0][1:-1], word)


def _code_of_shell(words: tuple[str, ...]) -> int | None:
    """The place of the word that a shell is to read as code."""
    if os.path.basename(words[0]) not in _SHELLS:
        return None
    options = (at for at, word in enumerate(words) if re.fullmatch(r"-[a-z]*c", word))
    at = next(options, None)
    return None if at is None else at + 1


def _as_variables(code: str, values: Mapping[str, str], variables: dict[str, str]) -> str:
    """Code with a variable in the place of each name, quoted as its place demands."""
    pieces, done, quote = [], 0, ""
    for match in _PLACE.finditer(code):
        before = code[done : match.start()]
        pieces.append(before)
        quote = _quote_after(before, quote)
        done = match.end()
        if not match[2]:
            pieces.append(match[0][1:-1])
            continue
        name = f"LUTHIER_VALUE_{len(variables)}"
        variables[name] = values.get(match[2], "")
        around = {"": ('"', '"'), '"': ("", ""), "'": ("'\"", "\"'")}[quote]
        pieces.append(f"{around[0]}${{{name}}}{around[1]}")
    return "".join([*pieces, code[done:]])


def _quote_after(code: str, quote: str) -> str:
    """The quotes in which a shell is after some code: none, double or single."""
    letters = iter(code)
    for letter in letters:
        if letter == "\\" and quote != "'":
            next(letters, None)
        elif letter in "'\"" and quote in ("", letter):
            quote = "" if quote else letter
    return quote


def _content(file: Path) -> str:
    try:
        return file.read_text("utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _number(text: str) -> Any:
    """A line as JSON, or as a number that JSON doesn't know, such as ``.5``."""
    try:
        return float(text)
    except ValueError:
        return _json(text)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _terminate(process: subprocess.Popen[bytes]) -> None:
    """Ask a command and all that it started to end, and wait a little."""
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE_SECONDS)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """End what is left of a command's process group, first with grace if the command runs."""
    if process.poll() is None:
        _terminate(process)
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
