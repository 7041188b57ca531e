"""Tests of worker identities."""

import subprocess
import sys

from luthier.core.worker import is_gone, is_here, this_worker, work_done

WHO = "from luthier.core.worker import this_worker; print(this_worker(), flush=True)"


def test_a_living_process_is_not_gone_and_a_dead_one_is() -> None:
    code = f"{WHO}; input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        worker = process.stdout.readline().strip()
        assert worker != this_worker()
        assert not is_gone(worker)
        process.communicate("\n")
    assert is_gone(worker)


def test_a_reused_process_number_is_told_apart() -> None:
    machine, boot, pid, start = this_worker().rsplit(":", 3)
    assert is_gone(f"{machine}:{boot}:{pid}:{int(start) - 1}")
    assert is_gone(f"{machine}:otherboot:{pid}:{start}")


def test_other_machines_and_odd_names_are_never_declared_gone() -> None:
    _, boot, pid, start = this_worker().rsplit(":", 3)
    assert not is_gone(f"elsewhere/1:{boot}:{pid}:{start}")
    assert not is_gone("client")
    assert not is_gone("")


def test_only_workers_of_this_machine_are_here() -> None:
    machine, boot, pid, start = this_worker().rsplit(":", 3)
    assert is_here(f"{machine}:otherboot:{int(pid) + 1}:{start}")
    assert not is_here(f"other-{machine}:{boot}:{pid}:{start}")
    assert not is_here("")


def test_work_done_grows_while_a_process_computes_and_not_while_it_waits() -> None:
    code = f"{WHO}; input()\nwhile True: pass"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        worker = process.stdout.readline().strip()
        while _state(process.pid) != "S":
            pass
        before = work_done(worker)
        assert before is not None
        assert work_done(worker) == before
        process.stdin.write("\n")
        process.stdin.flush()
        while work_done(worker) == before:
            pass  # pytest's timeout is the safety net
        process.kill()
        process.wait()
        assert work_done(worker) is None


def test_work_done_elsewhere_cannot_be_told() -> None:
    machine, boot, pid, start = this_worker().rsplit(":", 3)
    assert work_done(this_worker()) is not None
    assert work_done(f"elsewhere/1:{boot}:{pid}:{start}") is None
    assert work_done(f"{machine}:{boot}:{pid}:{int(start) - 1}") is None
    assert work_done(f"{machine}:{boot}:x:{start}") is None
    assert work_done("client") is work_done("") is None


def _state(process: int) -> str:
    with open(f"/proc/{process}/stat") as file:
        return file.read().rpartition(")")[2].split()[0]
