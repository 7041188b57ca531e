"""Trials in processes: what they may do to theirs, and what becomes of it."""

from __future__ import annotations

import ctypes
import functools
import logging
import os
import signal
import subprocess
import sys
import threading
import time
import types
import warnings
from pathlib import Path
from typing import Any

import pytest
from living import vanished

import luthier
from luthier import FrozenTrial, TrialState
from luthier.core.jobs import Outcome
from luthier.core.output import output_file, output_files, shorten
from luthier.errors import (
    ArgumentError,
    ExecutorError,
    MemoryLimitError,
    TimeLimitError,
    TrialCancelledError,
    UnsendableError,
    WorkerDiedError,
)
from luthier.executors import Processes, Threads, open_executor
from luthier.executors.process.resources import cores, environment

SEED = {"seed": 0, "sampler": "random"}
_LEFT: list[Any] = []  # in a worker: threads that trials have left, and what they were told


def states(study: luthier.Study) -> list[str]:
    return [trial.state.name for trial in study.trials]


def run(objective: Any, n_trials: int = 3, slots: int = 2, **options: Any) -> luthier.Study:
    """Run trials in processes, in memory unless told otherwise."""
    study = luthier.create_study(**SEED, storage=options.pop("storage", None))
    passed = {n: options.pop(n) for n in ("retries", "catch", "fail_fast") if n in options}
    study.optimize(objective, n_trials, executor=Processes(slots, **options), **passed)
    return study


class TestDeaths:
    """Each objective ends its own process in its second trial, and no other trial suffers."""

    @staticmethod
    def check(kill: Any, says: str) -> None:
        def objective(trial: luthier.Trial) -> float:
            trial.report(0.5, 1)
            if trial.number == 1:
                kill()
            return 1.0

        study = run(objective, 5)
        assert states(study) == ["COMPLETE", "FAILED", "COMPLETE", "COMPLETE", "COMPLETE"]
        assert says in str(study.trials[1].error)
        assert dict(study.trials[1].reports[1]) == {"value": 0.5}

    def test_exit(self) -> None:
        self.check(lambda: os._exit(7), "ended itself with exit code 7")

    def test_kill_9(self) -> None:
        self.check(lambda: os.kill(os.getpid(), signal.SIGKILL), "was killed (SIGKILL)")

    def test_segfault(self) -> None:
        self.check(lambda: ctypes.string_at(0), "died of SIGSEGV")

    def test_a_signal_without_a_name(self) -> None:
        self.check(lambda: os.kill(os.getpid(), signal.SIGRTMIN + 6), "died of signal 40")

    def test_retries(self, tmp_path: Path) -> None:
        def objective(trial: luthier.Trial) -> float:
            if trial.number == 1 and trial.attempt < 3:
                os._exit(1)
            return float(trial.attempt)

        study = run(objective, 3, retries={WorkerDiedError: 2})
        assert [trial.value for trial in study.trials] == [1.0, 3.0, 1.0]
        study = run(objective, 3, retries={WorkerDiedError: 1})
        assert states(study) == ["COMPLETE", "FAILED", "COMPLETE"]
        assert study.trials[1].attempt == 2

    def test_it_may_end_the_run(self) -> None:
        with pytest.raises(WorkerDiedError, match="exit code 3"):
            run(lambda trial: os._exit(3), catch=())

    def test_sys_exit_ends_the_run_as_in_a_thread(self) -> None:
        with pytest.raises(SystemExit):
            run(lambda trial: sys.exit(3))

    def test_a_worker_killed_between_trials_fails_none(self) -> None:
        pids: list[int] = []

        def finished(study: luthier.Study, trial: FrozenTrial) -> None:
            pids.append(trial.user_attrs["pid"])
            os.kill(pids[-1], signal.SIGKILL)

        def objective(trial: luthier.Trial) -> float:
            trial.set_user_attr("pid", os.getpid())
            return 1.0

        study = luthier.create_study(**SEED)
        study.optimize(objective, 4, executor="process:1", callbacks=[finished])
        assert states(study) == ["COMPLETE"] * 4
        assert len(set(pids)) == 4


class TestLimits:
    def test_a_hung_trial_is_ended_and_others_go_on(self) -> None:
        def objective(trial: luthier.Trial) -> float:
            if trial.number == 0:
                time.sleep(600)
            return 1.0

        def allow_more(study: luthier.Study, trial: FrozenTrial) -> None:
            executor._time_limit = 60.0  # the others must not hang on a busy machine's pace

        executor = Processes(1, time_limit=0.5)
        study = luthier.create_study(**SEED)
        study.optimize(objective, 3, executor=executor, callbacks=allow_more)
        assert states(study) == ["FAILED", "COMPLETE", "COMPLETE"]
        assert "TimeLimitError: Trial 0 ran for longer than its time limit of 0.5 s" in str(
            study.trials[0].error
        )
        assert 0.4 < (study.trials[0].cost or 0) < 100

    @pytest.mark.usefixtures("hurried")
    def test_one_that_ignores_sigterm_dies(self, tmp_path: Path) -> None:
        pids = tmp_path / "pids"

        def objective(trial: luthier.Trial) -> float:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
            pids.write_text(f"{os.getpid()} {child.pid}")
            trial.report(0.0, 1)
            while True:
                time.sleep(0.05)

        study = run(objective, 1, time_limit=60.0, grace=0.2)
        assert states(study) == ["FAILED"]
        assert "TimeLimitError" in str(study.trials[0].error)
        assert vanished([int(pid) for pid in pids.read_text().split()])

    @pytest.mark.usefixtures("hurried")
    def test_sigterm_lets_it_save_its_state(self) -> None:
        def objective(trial: luthier.Trial) -> float:
            saved = trial.load_checkpoint()
            if saved is not None:
                return float(saved.read_bytes())
            try:
                trial.report(0.0, 1)
                time.sleep(600)
            finally:
                trial.save_checkpoint(b"42")
            return 0.0

        study = run(objective, 1, time_limit=60.0, grace=30.0, retries={TimeLimitError: 1})
        assert study.best_value == 42

    def test_a_memory_hog_is_ended(self) -> None:
        def objective(trial: luthier.Trial) -> float:
            hoard = []
            while trial.number == 1:
                hoard.append(b"x" * 10_000_000)
                time.sleep(0.005)
            return 1.0

        study = run(objective, 3, memory_limit="300MB", catch=(MemoryLimitError,))
        assert states(study) == ["COMPLETE", "FAILED", "COMPLETE"]
        assert "more than its memory limit of 300 MB" in str(study.trials[1].error)

    def test_memory_of_what_it_starts_counts(self) -> None:
        def objective(trial: luthier.Trial) -> float:
            code = "import time; x = b'x' * 400_000_000; time.sleep(600)"
            return float(subprocess.run([sys.executable, "-c", code], check=False).returncode)

        study = run(objective, 1, memory_limit="300MB", grace=0.1)
        assert "MemoryLimitError" in str(study.trials[0].error)

    def test_cancel(self) -> None:
        executor = Processes(2, grace=0.5)
        executor.submit(0, _sleeping, None)  # type: ignore[arg-type]
        executor.submit(1, _quick, None)  # type: ignore[arg-type]
        try:
            assert executor.wait(60) == [(1, "quick")]
            assert executor.wait(0.01) == []
            assert executor.cancel(0)
            assert not executor.cancel(1)
            [(number, error)] = executor.wait(60)
            assert number == 0
            assert isinstance(error, TrialCancelledError)
        finally:
            executor.shutdown()

    def test_fresh_processes(self) -> None:
        def objective(trial: luthier.Trial) -> float:
            trial.set_user_attr("pid", os.getpid())
            return 1.0

        for fresh, processes in ((True, 3), (False, 1)):
            study = run(objective, 3, slots=1, fresh=fresh)
            assert len({trial.user_attrs["pid"] for trial in study.trials}) == processes

    def test_shutdown_leaves_nothing(self, tmp_path: Path) -> None:
        pids = tmp_path / "pids"
        work = functools.partial(_deaf, pids)
        executor = Processes(1, grace=0.1)
        executor.submit(0, work, None)  # type: ignore[arg-type]
        while not (pids.exists() and pids.read_text().endswith(".")):
            assert executor.wait(0.05) == []
        executor.shutdown()
        assert vanished([int(pid) for pid in pids.read_text().removesuffix(".").split()])


def _sleeping(channel: Any) -> Any:
    time.sleep(600)


def _quick(channel: Any) -> Any:
    return "quick"


def _deaf(pids: Path, channel: Any) -> Any:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    pids.write_text(f"{os.getpid()} {child.pid}.")
    time.sleep(600)


class TestSending:
    def test_what_has_no_name_is_sent(self) -> None:
        offset = 3.0
        study = run(lambda trial: trial.suggest_float("x", 0, 1) + offset)
        assert all(3 <= trial.values[0] <= 4 for trial in study.trials)

    def test_it_is_sent_once_to_each_worker(self) -> None:
        objective = _Counted()
        study = luthier.create_study(**SEED)
        study.optimize(objective, 9, executor="process:2")
        assert objective.pickled == 1
        assert sum(trial.user_attrs["rebuilt"] for trial in study.trials) <= 2

    def test_what_cannot_be_sent_is_named(self) -> None:
        held = threading.Lock()

        def objective(trial: luthier.Trial) -> float:
            with held:
                return 1.0

        study = luthier.create_study(**SEED)
        with pytest.raises(UnsendableError) as caught:
            study.optimize(objective, 4, n_jobs=2)
        assert "its variable 'held' (of type _thread.lock) can't be pickled" in str(caught.value)
        assert 'executor="thread:4"' in str(caught.value)
        assert set(states(study)) == {"WAITING"}
        study.optimize(objective, total_trials=4, executor="thread:2")
        assert states(study) == ["COMPLETE"] * 4

    def test_a_study_cannot_be_sent(self) -> None:
        study = luthier.create_study(**SEED)
        with pytest.raises(UnsendableError, match="'study' .of type luthier.study.study.Study"):
            study.optimize(lambda trial: len(study.trials), 2, n_jobs=2)

    def test_the_part_is_named_to_the_bottom(self) -> None:
        model = types.SimpleNamespace(parts=[1, threading.Lock()])
        with pytest.raises(UnsendableError, match="its item 1 of its attribute 'parts' of its"):
            run(functools.partial(_with_model, model=model))

    def test_what_cannot_be_rebuilt_ends_the_run(self) -> None:
        with pytest.raises(UnsendableError, match="can't rebuild it.*ZeroDivisionError: no way"):
            run(_Explosive())

    def test_an_exception_that_cannot_be_sent_keeps_its_class(self) -> None:
        class OddError(ValueError):
            def __init__(self, name: str, lock: Any) -> None:
                super().__init__(f"odd {name}")
                self.lock = lock

        def objective(trial: luthier.Trial) -> float:
            raise OddError("one", threading.Lock())

        with pytest.raises(OddError, match="odd one") as caught:
            run(objective, catch=())
        assert "in objective" in "".join(caught.value.__notes__)
        study = run(objective, 2, catch=(ValueError,), retries={OddError: 1}, fail_fast=None)
        assert [(t.state.name, t.attempt) for t in study.trials] == [("FAILED", 2)] * 2

    def test_an_exception_that_cannot_be_rebuilt_fails_its_trial(self, tmp_path: Path) -> None:
        (tmp_path / "only_there.py").write_text("class LocalError(Exception): pass\n")

        def objective(trial: luthier.Trial) -> float:
            sys.path.insert(0, str(tmp_path))
            from only_there import LocalError  # type: ignore[import-not-found]

            raise LocalError("there")

        study = run(objective, 1)
        assert "can't be read here: ModuleNotFoundError" in str(study.trials[0].error)

    def test_a_script_without_a_guard(self, tmp_path: Path) -> None:
        script = tmp_path / "script.py"
        script.write_text(
            "import luthier\n"
            "class Model:\n"
            "    def __init__(self, x): self.x = x\n"
            "def objective(trial):\n"
            "    return Model(trial.suggest_float('x', 0, 1)).x\n"
            "print('started')\n"
            "study = luthier.create_study(sampler='random', seed=0)\n"
            "study.optimize(objective, n_trials=6, n_jobs=2)\n"
            "print(len(study.trials), all(t.state.name == 'COMPLETE' for t in study.trials))\n"
        )
        done = subprocess.run(
            [sys.executable, str(script)], capture_output=True, text=True, check=True
        )
        assert done.stdout == "started\n6 True\n"
        assert done.stderr == ""

    def test_a_module_loaded_by_hand(self, tmp_path: Path, monkeypatch: Any) -> None:
        import importlib.util

        path = tmp_path / "by_hand.py"
        path.write_text("SIX = 6\ndef helper(): return SIX\ndef objective(trial): return helper()")
        spec = importlib.util.spec_from_file_location("loaded_by_hand", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, "loaded_by_hand", module)
        spec.loader.exec_module(module)
        assert run(module.objective).best_value == 6

    def test_two_runs_with_one_executor(self) -> None:
        executor = Processes(2)
        study = luthier.create_study(**SEED)
        study.optimize(lambda trial: 1.0, 3, executor=executor)
        study.optimize(lambda trial: 2.0, 3, executor=executor)
        assert [trial.value for trial in study.trials] == [1.0] * 3 + [2.0] * 3

    def test_a_large_objective_holds_up_nobody_but_its_trial(self) -> None:
        """Its worker is stopped before it has taken it in; the driver goes on with another."""
        ballast = os.urandom(20_000_000)

        def large(channel: Any) -> Outcome:
            return Outcome(TrialState.COMPLETE, {}, {"value": float(len(ballast))})

        def small(channel: Any) -> Outcome:
            return Outcome(TrialState.COMPLETE, {}, {"value": 1.0})

        executor = Processes(2)
        try:
            executor.submit(0, small, None)  # type: ignore[arg-type]
            assert [number for number, _ in executor.wait(60)] == [0]
            worker = executor._workers[0]
            os.kill(worker.pid, signal.SIGSTOP)
            executor.submit(1, large, None)  # type: ignore[arg-type]
            assert worker.outbox.is_full
            executor.submit(2, small, None)  # type: ignore[arg-type]
            assert [number for number, _ in executor.wait(60)] == [2]
            os.kill(worker.pid, signal.SIGCONT)
            [(number, outcome)] = executor.wait(60)
            assert isinstance(outcome, Outcome)
            assert (number, outcome.metrics) == (1, {"value": 20_000_000.0})
        finally:
            executor.shutdown()


class _Counted:
    pickled = rebuilt = 0

    def __getstate__(self) -> dict[str, Any]:
        self.pickled += 1
        return {}

    def __setstate__(self, state: Any) -> None:
        self.rebuilt += 1

    def __call__(self, trial: luthier.Trial) -> float:
        trial.set_user_attr("rebuilt", self.rebuilt)
        self.rebuilt = 0
        return 1.0


def _with_model(trial: luthier.Trial, model: Any) -> float:
    return 1.0


class _Explosive:
    def __call__(self, trial: luthier.Trial) -> float:
        return 1.0

    def __reduce__(self) -> Any:
        return _explode, ()


def _explode() -> Any:
    raise ZeroDivisionError("no way")


class TestChannel:
    def test_errors_of_the_driver_are_raised_in_the_trial(self) -> None:
        class Refusing:
            def report(self, number: int, step: int, metrics: Any) -> Any:
                raise KeyError("refused")

        def work(channel: Any) -> Any:
            try:
                channel.report(0, 1, {})
            except KeyError as error:
                return f"got {error}"

        executor = Processes(1)
        executor.submit(0, work, Refusing())  # type: ignore[arg-type]
        try:
            assert executor.wait(60) == [(0, "got 'refused'")]
        finally:
            executor.shutdown()

    def test_a_forked_child_must_not_speak(self) -> None:
        def objective(trial: luthier.Trial) -> float:
            reader, writer = os.pipe()
            if os.fork() == 0:
                try:
                    trial.report(1.0, 1)
                except ExecutorError as error:
                    os.write(writer, str(error).encode())
                finally:
                    os._exit(0)
            os.wait()
            raise ValueError(os.read(reader, 1000).decode())

        study = run(objective, 1)
        assert "must be called in the process that got the trial" in str(study.trials[0].error)

    @pytest.mark.parametrize(("leave", "code"), [(lambda: 5.0, 0), (lambda: sys.exit(3), 3)])
    def test_a_forked_child_does_not_end_the_trial(self, leave: Any, code: int) -> None:
        """It inherits the objective's frames too, and comes back out of them."""

        def objective(trial: luthier.Trial) -> float:
            child = os.fork()
            if child == 0:
                logging.getLogger("child").warning("not to the driver")
                return float(leave())
            _, status = os.waitpid(child, 0)
            return 10.0 + os.waitstatus_to_exitcode(status)

        study = run(objective, 3)
        assert [trial.value for trial in study.trials] == [10.0 + code] * 3

    def test_a_thread_that_is_left_behind_takes_nothing_from_later_trials(self) -> None:
        def objective(trial: luthier.Trial) -> float:
            said: list[str] = []

            def go_on() -> None:
                for step in range(100_000):
                    try:
                        trial.report(0.0, step)
                    except ExecutorError as error:
                        said.append(str(error))
                        return

            if trial.number % 2 == 0:
                _LEFT.append((threading.Thread(target=go_on, daemon=True), said))
                _LEFT[-1][0].start()
                return 0.0
            _LEFT[-1][0].join(60)
            return float("before its objective returns" in _LEFT[-1][1][0])

        study = run(objective, 6, slots=1)
        assert [trial.value for trial in study.trials] == [0.0, 1.0] * 3

    def test_a_thread_that_is_left_behind_says_nothing_in_later_trials(self) -> None:
        """It speaks up while the next trial runs in its process, for its own or for that."""

        def objective(trial: luthier.Trial) -> float:
            if trial.number == 0:
                _LEFT.append((trial, []))
                return 0.0
            said = []
            for late in (lambda: _LEFT[-1][0].report(9.0, 1), lambda: trial.report(0.5, 1)):
                thread = threading.Thread(target=lambda late=late: said.append(outcome_of(late)))
                thread.start()
                thread.join(60)
            return float(said == ["ExecutorError", "nothing"])

        def outcome_of(late: Any) -> str:
            try:
                late()
            except ExecutorError as error:
                return type(error).__name__
            return "nothing"

        study = run(objective, 2, slots=1)
        assert [trial.value for trial in study.trials] == [0.0, 1.0]
        assert [trial.intermediate_values for trial in study.trials] == [{}, {1: 0.5}]

    def test_an_alarm_may_interrupt_a_report(self) -> None:
        def objective(trial: luthier.Trial) -> float:
            def ring(number: int, frame: Any) -> None:
                raise TimeoutError

            signal.signal(signal.SIGALRM, ring)
            for alarm in range(100):
                with pytest.raises(TimeoutError):
                    report_on(trial, alarm * 10**6)
            return os.getpid()

        def report_on(trial: luthier.Trial, since: int) -> None:
            signal.setitimer(signal.ITIMER_REAL, 0.002)
            for step in range(10**6):
                trial.report(0.0, since + step)

        study = run(objective, 3, slots=1)
        assert states(study) == ["COMPLETE"] * 3
        assert len({trial.value for trial in study.trials}) == 1, "its process has died"

    def test_the_study_stays_at_home(self) -> None:
        study = run(lambda trial: trial.study.best_value, 1)
        assert "trial.study is None in a worker process" in str(study.trials[0].error)

    def test_definitions_come_back(self) -> None:
        def objective(trial: luthier.Trial) -> float:
            kind = trial.suggest_categorical("kind", ["a", "b"])
            name = "x" if kind == "a" else "y"
            return trial.suggest_float(name, 0, 1)

        study = run(objective, 30)
        assert states(study) == ["COMPLETE"] * 30
        assert sorted(study.space) == ["kind", "x", "y"]
        assert study.space["x"].when is not None
        assert study.replay().exact

    def test_log_records_reach_the_driver(self, caplog: pytest.LogCaptureFixture) -> None:
        def objective(trial: luthier.Trial) -> float:
            logging.getLogger("training").info("step %d", 7, extra={"lock": threading.Lock()})
            logging.getLogger("training").debug("nothing")
            trial.report(1, 0)
            trial.report(2, 0)
            return 1.0

        caplog.set_level("WARNING", "luthier")
        caplog.set_level("INFO", "training")
        run(objective, 1)
        told = [(r.name, r.getMessage()) for r in caplog.records]
        assert ("luthier", "Trial 0 has reported step 0 before; the first report stays.") in told
        assert [record for record in told if record[0] == "training"] == [("training", "step 7")]

    def test_warnings_are_filtered_as_in_the_driver(self) -> None:
        def objective(trial: luthier.Trial) -> float:
            warnings.warn("careful now", stacklevel=1)
            return 1.0

        assert "UserWarning: careful now" in str(run(objective, 1).trials[0].error)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "careful")
            assert states(run(objective, 1)) == ["COMPLETE"]


class TestOutput:
    @staticmethod
    def chatty(trial: luthier.Trial) -> float:
        print("trial", trial.number, "says hello")
        print("to err", file=sys.stderr)
        ctypes.CDLL(None).puts(b"from C")
        os.system("echo from a shell")
        return 1.0

    def test_each_trial_has_its_file(self, tmp_path: Path) -> None:
        study = run(self.chatty, 4, storage=tmp_path / "runs.db")
        folder = study.storage.logs(1)
        assert folder == tmp_path / "runs.db.logs" / "1"
        for number in range(4):
            text = output_file(folder, number, 1).read_text()
            assert f"trial {number} says hello\n" in text
            assert sorted(text.splitlines()[1:]) == ["from C", "from a shell", "to err"]
        luthier.delete_study(study_name=study.study_name, storage=tmp_path / "runs.db")
        assert not folder.exists()

    def test_silent_trials_leave_none(self, tmp_path: Path) -> None:
        study = run(lambda trial: 1.0, storage=tmp_path / "runs.db")
        folder = study.storage.logs(1)
        assert folder is not None
        assert list(folder.iterdir()) == []

    def test_in_memory_they_print_where_the_driver_does(
        self, capfd: pytest.CaptureFixture[str]
    ) -> None:
        run(self.chatty, 1)
        out, err = capfd.readouterr()
        assert sorted(out.splitlines()) == ["from C", "from a shell", "trial 0 says hello"]
        assert err == "to err\n"

    def test_what_c_prints_is_there_when_its_trial_has_ended(
        self, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Not only when its process does: one that is killed instead would take it along."""

        def work(channel: Any) -> Outcome:
            ctypes.CDLL(None).puts(b"from C")
            return Outcome(TrialState.COMPLETE, {})

        monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
        executor = Processes(1)
        try:
            executor.submit(0, work, None)  # type: ignore[arg-type]
            assert len(executor.wait(60)) == 1
            assert capfd.readouterr().out == "from C\n"
        finally:
            executor.shutdown()

    def test_where_the_user_wants_them(self, tmp_path: Path) -> None:
        run(self.chatty, 2, logs=tmp_path / "logs")
        assert [path.name for path in sorted((tmp_path / "logs").iterdir())] == [
            "0-1.log",
            "1-1.log",
        ]

    def test_where_it_cannot_be_kept(self, tmp_path: Path, caplog: Any) -> None:
        (tmp_path / "taken").write_text("a file, no folder")
        study = run(lambda trial: 1.0, logs=tmp_path / "taken" / "logs")
        assert states(study) == ["COMPLETE"] * 3
        assert caplog.text.count("What trials print can't be kept, so they print here") == 1

    def test_last_words_of_the_dead(self, tmp_path: Path) -> None:
        def objective(trial: luthier.Trial) -> float:
            print("on my way to", trial.number)
            ctypes.string_at(0)
            return 1.0

        study = run(objective, 1, storage=tmp_path / "runs.db")
        error = str(study.trials[0].error)
        assert "It printed last: Fatal Python error: Segmentation fault" in error
        assert "in objective" in error
        assert "on my way to 0" in output_file(study.storage.logs(1), 0, 1).read_text()

    def test_log_records_stand_there_as_well(self, tmp_path: Path) -> None:
        def objective(trial: luthier.Trial) -> float:
            logging.getLogger("training").error("broken")
            return 1.0

        run(objective, 1, logs=tmp_path)
        assert (tmp_path / "0-1.log").read_text() == "ERROR:training:broken\n"

    def test_much_output_is_cut_in_the_middle(self, tmp_path: Path) -> None:
        def objective(trial: luthier.Trial) -> float:
            print("first")
            for _ in range(30):
                print("x" * 100_000)
            print("last")
            return 1.0

        run(objective, 1, logs=tmp_path)
        text = (tmp_path / "0-1.log").read_text()
        assert len(text) < 1_100_000
        assert text.startswith("first\n")
        assert text.endswith("last\n")
        assert "bytes left out" in text

    def test_a_writer_goes_on_after_the_cut(self, tmp_path: Path) -> None:
        path = tmp_path / "0-1.log"
        with open(path, "ab", buffering=0) as file:
            file.write(b"a" * 50 + b"b" * 100 + b"c" * 50)
            shorten(path, 100)
            file.write(b"end")
        assert path.read_bytes() == b"%b\n[... 100 bytes left out ...]\n%bend" % (
            b"a" * 50,
            b"c" * 50,
        )
        shorten(tmp_path / "none.log")
        assert output_files(tmp_path, 0) == {1: path}
        assert output_files(tmp_path / "nowhere", 0) == {}


class TestResources:
    def test_threads_are_set_before_numpy_is_there(self) -> None:
        def objective(trial: luthier.Trial) -> float:
            trial.set_user_attr("gpus", os.environ["CUDA_VISIBLE_DEVICES"])
            return float(os.environ["OMP_NUM_THREADS"])

        study = run(objective, 1, resources={"cpu": 3, "gpu": 0})
        assert study.best_value == 3
        assert study.best_trial.user_attrs == {"gpus": ""}

    def test_an_equal_share_of_the_cores(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
        monkeypatch.setenv("MKL_NUM_THREADS", "7")
        variables = environment(0, 1, {})
        assert variables["OMP_NUM_THREADS"] == str(cores())
        assert "MKL_NUM_THREADS" not in variables  # the user's own
        assert environment(0, 10**6, {})["OMP_NUM_THREADS"] == "1"

    @pytest.mark.parametrize(
        ("gpu", "slots", "given"),
        [
            (0.5, 4, ["5", "7", "5", "7"]),
            (0.25, 3, ["5", "7", "5"]),
            (1, 2, ["5", "7"]),
            (2, 1, ["5,7"]),
            (0, 3, ["", "", ""]),
        ],
    )
    def test_gpus(self, gpu: float, slots: int, given: Any, monkeypatch: Any) -> None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5, 7")
        seen = [environment(s, slots, {"gpu": gpu})["CUDA_VISIBLE_DEVICES"] for s in range(slots)]
        assert seen == given

    @pytest.mark.parametrize(("gpu", "slots"), [(1, 3), (0.5, 5), (2, 2), (0.6, 3)])
    def test_too_few_gpus(self, gpu: float, slots: int, monkeypatch: Any) -> None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,7")
        with pytest.raises(ArgumentError, match="don't fit on 2 GPUs"):
            Processes(slots, resources={"gpu": gpu})


class TestSchedulers:
    @pytest.mark.parametrize("scheduler", ["asha", "pbt"])
    def test_checkpoints_cross_processes(self, scheduler: str, training: Any) -> None:
        settings: dict[str, Any] = {
            "asha": {"max_resource": 9},
            "pbt": {"steps": 9, "population": 4, "ready_every": 3},
        }
        study = luthier.create_study(
            space={"rate": luthier.Float(0.01, 0.5)},
            sampler="random",
            seed=0,
            scheduler={"name": scheduler, **settings[scheduler]},
        )
        study.optimize(training, n_trials=8, executor="process:2")
        ended = [t for t in study.trials if t.state.is_finished]
        assert {t.state for t in ended} <= {TrialState.COMPLETE, TrialState.PRUNED}
        assert any(t.attempt > 1 or t.origin.parent is not None for t in study.trials)
        assert any(t.state is TrialState.COMPLETE for t in ended)


class TestNames:
    def test_names(self) -> None:
        assert open_executor("process:3").slots == 3
        assert isinstance(open_executor("thread", 2), Threads)
        assert open_executor("thread:2", 2).slots == 2
        assert open_executor(None, -1).slots == cores()
        assert isinstance(open_executor(None, 2), Processes)
        assert isinstance(open_executor(None, 1, time_limit=3), Processes)
        mine = Processes(2)
        assert open_executor(mine) is mine

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"time_limit": 0}, "time_limit must be seconds above 0"),
            ({"time_limit": float("nan")}, "time_limit must be seconds above 0"),
            ({"memory_limit": "much"}, "memory_limit must be a number of bytes above 0"),
            ({"grace": -1}, "grace must be seconds"),
            ({"resources": {"gpus": 1}}, 'resources takes "cpu" and "gpu"'),
            ({"resources": {"cpu": 0}}, "resources['cpu'] must be a number above 0"),
            ({"resources": {"gpu": 1.5}}, "must be a share of one or whole ones, got 1.5"),
            ({"resources": [1]}, 'resources takes "cpu" and "gpu"'),
            ({"logs": 3}, "logs must be a folder, None or False, got 3"),
            ({"logs": True}, "logs must be a folder, None or False, got True"),
        ],
    )
    def test_bad_arguments(self, options: dict[str, Any], message: str) -> None:
        with pytest.raises(ArgumentError) as caught:
            Processes(2, **options)
        assert message in str(caught.value)


def test_reports_of_workers_are_stored_with_the_next_checkpoint(tmp_path: Path) -> None:
    """Those that no scheduler was asked about too."""
    file = str(tmp_path / "study.db")

    def objective(trial: luthier.Trial) -> float:
        for step in range(30):
            trial.report(float(step), step)
        trial.save_checkpoint(b"state")
        stored = luthier.load_study(study_name="s", storage=file).trials[trial.number]
        return float(dict(stored.reports) == dict(trial.reports))

    study = luthier.create_study(
        study_name="s", storage=file, sampler="random", scheduler="none", seed=0
    )
    study.optimize(objective, n_trials=4, executor="process:2")
    assert [trial.value for trial in study.trials] == [1.0] * 4
