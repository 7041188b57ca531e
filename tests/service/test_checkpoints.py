"""Saved states over HTTP: whole or not at all, from whoever has the trial, and from nobody else."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import io
import tarfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import luthier
from luthier import Float, Trial, TrialState
from luthier.core.checkpoint import Checkpoint
from luthier.errors import CheckpointMissingError, ServiceError, TrialStateError
from luthier.service import api, transfer
from luthier.service.archive import FILE, FOLDER, pack, unpack
from luthier.service.desk import Desk
from luthier.service.problems import RefusedError

if TYPE_CHECKING:
    from conftest import Service

PLACE = "/v1/studies/s/trials/0/checkpoint"
AUTH = {"Authorization": "Bearer a-token-of-the-tests"}


def put(
    service: Service,
    content: bytes,
    kind: str = FILE,
    *,
    attempt: int = 1,
    step: Any = 3,
    sha256: str | None = None,
    **headers: str,
) -> tuple[int, Any]:
    digest = hashlib.sha256(content).hexdigest() if sha256 is None else sha256
    path = f"{PLACE}?attempt={attempt}&step={step}&sha256={digest}"
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    status, _, data = service.send("PUT", path, content, {"Content-Type": kind, **AUTH, **more})
    return status, data


def tar(*entries: tarfile.TarInfo | tuple[str, bytes]) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for entry in entries:
            if isinstance(entry, tuple):
                info = tarfile.TarInfo(entry[0])
                info.size = len(entry[1])
                archive.addfile(info, io.BytesIO(entry[1]))
            else:
                archive.addfile(entry)
    return target.getvalue()


def link(name: str, target: str, kind: bytes) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


class TestClient:
    @staticmethod
    def study(service: Service, **options: Any) -> luthier.Client:
        client = service.client()
        client.create({"x": Float(0, 1)}, sampler="random", **options)
        return client

    def test_what_one_client_saved_another_goes_on_from(
        self, service: Service, tmp_path: Path
    ) -> None:
        client = self.study(service)
        trial = client.ask()
        assert trial.load_checkpoint() is None
        folder = tmp_path / "model"
        (folder / "deep" / "empty").mkdir(parents=True)
        (folder / "weights.bin").write_bytes(bytes(range(256)) * 5000)
        (folder / "deep" / "naïve name.txt").write_text("1")
        (folder / "alias").symlink_to("weights.bin")
        trial.report(0.5, 4)
        trial.save_checkpoint(b"first")
        trial.save_checkpoint(folder)
        service.desks._places["s"].desk._driver.release(0, "its client died")
        again = service.client().ask()
        assert (again.number, again.attempt) == (0, 2)
        restored = again.load_checkpoint()
        assert restored is not None
        assert restored.step == 4
        found = {p.relative_to(restored.path).as_posix() for p in restored.path.rglob("*")}
        assert found == {"deep", "deep/empty", "weights.bin", "deep/naïve name.txt", "alias"}
        for name in ("weights.bin", "alias", "deep/naïve name.txt"):
            assert (restored.path / name).read_bytes() == (folder / name).read_bytes()
        native = luthier.load_study(study_name="s", storage=service.storage)
        kept = native.trials[0].checkpoint
        assert kept is not None
        assert (service.storage.checkpoints(1).path(kept.key) / "alias").is_file()

    @pytest.mark.parametrize("content", [b"", b"x" * 3_000_001], ids=["nothing", "3 MB"])
    def test_bytes_and_files(self, service: Service, tmp_path: Path, content: bytes) -> None:
        client = self.study(service)
        (tmp_path / "state").write_bytes(content)
        for number, source in enumerate((content, tmp_path / "state")):
            client.ask().save_checkpoint(source, 2)
            [saved] = [t.checkpoint for t in client.trials if t.number == number]
            assert saved == Checkpoint(2, hashlib.sha256(content).hexdigest(), len(content))

    def test_paused_trials_go_on_where_they_were(self, service: Service) -> None:
        client = self.study(service, scheduler="asha:max_resource=9")
        steps: dict[int, list[int]] = {}

        def objective(trial: Trial) -> float:
            saved = trial.load_checkpoint()
            begin = 0 if saved is None else int(saved.read_bytes())
            budget = trial.budget
            assert budget is not None
            for step in range(begin + 1, budget + 1):
                steps.setdefault(trial.number, []).append(step)
                trial.report(trial.suggest_float("x", 0, 1) + 1 / step, step)
            trial.save_checkpoint(str(budget).encode())
            return 1.0

        client.optimize(objective, total_trials=9)
        assert sorted(map(len, steps.values()))[-1] == 9
        assert all(done == list(range(1, len(done) + 1)) for done in steps.values())

    def test_who_has_lost_the_trial_saves_nothing(self, service: Service) -> None:
        client = self.study(service)
        lost = client.ask()
        service.desks._places["s"].desk._driver.release(0, "taken away")
        with pytest.raises(TrialStateError, match="must be running for the client"):
            lost.save_checkpoint(b"late")
        again = client.ask()
        with pytest.raises(TrialStateError, match="it is RUNNING at attempt 2"):
            lost.save_checkpoint(b"later")
        assert client.tell(again, 1.0).checkpoint is None

    def test_a_run_that_has_saved_still_loads_what_was_there_before(self, service: Service) -> None:
        client = self.study(service)
        client.ask().save_checkpoint(b"old", 1)
        service.desks._places["s"].desk._driver.release(0, "again")
        trial = client.ask()
        trial.save_checkpoint(b"new", 2)
        restored = trial.load_checkpoint()
        assert restored is not None
        assert (restored.step, restored.read_bytes()) == (1, b"old")
        late = client.ask()  # asks for nothing of its own
        assert (late.number, late.load_checkpoint()) == (1, None)
        service.desks._places["s"].desk._driver.release(0, "again")
        trial = client.ask()
        store = service.desks._places["s"].desk._driver.open_checkpoints()
        store.delete(hashlib.sha256(b"new").hexdigest())
        with pytest.raises(CheckpointMissingError, match="must be in the store"):
            trial.load_checkpoint()

    def test_a_copy_that_takes_long_holds_up_nobody(
        self, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client = self.study(service)
        trial = client.ask()
        copying, go_on, keep = threading.Event(), threading.Event(), Desk.keep

        def slowly(desk: Desk, content: Path) -> tuple[str, int]:
            copying.set()
            assert go_on.wait(60)
            return keep(desk, content)

        monkeypatch.setattr(Desk, "keep", slowly)
        saving = threading.Thread(target=trial.save_checkpoint, args=(b"large", 3))
        saving.start()
        assert copying.wait(60)
        assert client.tell(client.ask(), 0.5).state is TrialState.COMPLETE
        go_on.set()
        saving.join()
        assert client.trials[0].checkpoint == Checkpoint(3, hashlib.sha256(b"large").hexdigest(), 5)

    def test_what_is_deleted_before_it_is_recorded_is_kept_again(
        self, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client = self.study(service)
        trial = client.ask()
        keep, kept = Desk.keep, []

        def in_vain(desk: Desk, content: Path) -> tuple[str, int]:
            kept.append(keep(desk, content))
            if len(kept) == 1:
                service.storage.checkpoints(1).delete(kept[0][0])
            return kept[-1]

        monkeypatch.setattr(Desk, "keep", in_vain)
        trial.save_checkpoint(b"state")
        assert len(kept) == 2
        assert service.storage.checkpoints(1).path(kept[0][0]).read_bytes() == b"state"

    def test_only_what_the_trial_has_saved_itself(self, service: Service) -> None:
        client = self.study(service)
        client.ask().save_checkpoint(b"state")
        client.ask().save_checkpoint(b"other")
        other = hashlib.sha256(b"other").hexdigest()
        for place, key, status in (
            (PLACE, other, 404),
            (PLACE.replace("/0/", "/1/"), other, 200),
            (PLACE, "../" * 21 + "x", 404),
            (PLACE, "x", 422),
        ):
            path = f"{place}?key={key}"
            connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)
            with contextlib.closing(connection):
                connection.request("GET", path, headers=AUTH)
                assert connection.getresponse().status == status

    def test_one_that_is_too_large_is_told_so(
        self, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client = self.study(service)
        trial = client.ask()
        app = service.server.config.app.default  # type: ignore[union-attr]
        monkeypatch.setattr(app, "_most_checkpoint", 1_000)
        with pytest.raises(ServiceError, match="at most 1,000 bytes"):
            trial.save_checkpoint(b"x" * 20_000)
        assert client.tell(trial, 1.0).state is TrialState.COMPLETE

    def test_a_connection_lost_on_the_way_is_made_good(
        self, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client = self.study(service)
        trial = client.ask()
        whole, tries = client._send, []

        def lossy(*arguments: Any, **options: Any) -> Any:
            tries.append(arguments[0])
            reply = whole(*arguments, **options)
            if len(tries) % 2:
                raise ConnectionResetError("the answer was lost")
            return reply

        monkeypatch.setattr(client, "_send", lossy)
        trial.save_checkpoint(b"state", 5)
        assert tries == ["PUT", "PUT"]
        kinds = [event.kind for event in service.log()[0][1]]
        assert kinds.count("checkpointed") == 1


class TestRequests:
    def test_the_same_again_changes_nothing(self, digits: Service) -> None:
        digits.call("POST", "/v1/studies/s/ask", {})
        first = put(digits, b"state")
        log = digits.log()
        assert first == (
            200,
            {"step": 3, "key": hashlib.sha256(b"state").hexdigest(), "size": 5},
        )
        assert put(digits, b"state") == first
        assert digits.log() == log

    def test_without_one_there_is_nothing_to_load(self, running: Service) -> None:
        assert running.call("GET", PLACE)[0] == 404
        assert running.call("GET", PLACE.replace("/0/", "/7/"))[0] == 404

    @pytest.mark.parametrize(
        ("options", "status"),
        [
            ({"attempt": 2}, 409),
            ({"attempt": 0}, 422),
            ({"step": -1}, 422),
            ({"step": "x"}, 422),
            ({"step": 10**30}, 422),
            ({"sha256": "00"}, 422),
            ({"sha256": "0" * 64}, 422),
            ({"sha256": "../" * 21 + "x"}, 422),
            ({"kind": "application/json"}, 415),
            ({"kind": "text/plain"}, 415),
            ({"kind": "application/gzip"}, 415),
            ({"Content_Encoding": "gzip"}, 415),
            ({"kind": FOLDER}, 422),
        ],
    )
    def test_what_is_refused(self, running: Service, options: Any, status: int) -> None:
        assert put(running, b"state", **options)[0] == status

    @pytest.mark.parametrize("missing", ["attempt", "step", "sha256"])
    def test_all_must_be_said(self, running: Service, missing: str) -> None:
        said = {"attempt": "1", "step": "1", "sha256": "0" * 64}
        query = "&".join(f"{name}={value}" for name, value in said.items() if name != missing)
        status, problem = running.call("PUT", f"{PLACE}?{query}", b"state")
        assert (status, missing in problem["detail"]) == (422, True)

    def test_one_in_chunks_is_measured_as_it_comes(
        self, running: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        app = running.server.config.app.default  # type: ignore[union-attr]
        monkeypatch.setattr(app, "_most_checkpoint", 1_000)
        path = f"{PLACE}?attempt=1&step=1&sha256={'0' * 64}"
        headers = {"Content-Type": FILE, "Transfer-Encoding": "chunked", **AUTH}
        chunk = b"400\r\n" + b"x" * 1024 + b"\r\n"
        assert running.send("PUT", path, chunk + b"0\r\n\r\n", headers)[0] == 413

    def test_one_that_does_not_come_is_not_waited_for(
        self, running: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(transfer.receive.__kwdefaults__, "silence", 0.2)
        path = f"{PLACE}?attempt=1&step=1&sha256={'0' * 64}"
        headers = {"Content-Type": FILE, "Content-Length": "100", **AUTH}
        assert running.send("PUT", path, b"begun", headers)[0] == 408

    def test_so_many_at_once(self, running: Service, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(api, "_MOST_UPLOADS", 0)
        status, problem = put(running, b"state")
        assert (status, "at once" in problem["detail"]) == (429, True)


class TestArchives:
    def test_there_and_back(self, tmp_path: Path) -> None:
        (tmp_path / "in" / "a" / "b").mkdir(parents=True)
        (tmp_path / "in" / "a" / "x").write_bytes(b"x" * 100_000)
        with open(tmp_path / "packed", "wb") as file:
            pack(tmp_path / "in", file)
        unpack(tmp_path / "packed", tmp_path / "out")
        assert (tmp_path / "out" / "a" / "x").read_bytes() == b"x" * 100_000
        assert (tmp_path / "out" / "a" / "b").is_dir()

    def test_what_tar_itself_writes(self, tmp_path: Path) -> None:
        own = tarfile.TarInfo(".")
        own.type = tarfile.DIRTYPE
        (tmp_path / "packed").write_bytes(tar(own, ("./a/x", b"1"), ("b", b"2")))
        unpack(tmp_path / "packed", tmp_path / "out")
        assert (tmp_path / "out" / "a" / "x").read_bytes() == b"1"

    @pytest.mark.parametrize(
        "content",
        [
            b"no archive at all" * 100,
            tar(("../outside", b"x")),
            tar(("a/../../outside", b"x")),
            tar(("/tmp/luthier-outside", b"x")),
            tar(("a//b", b"x")),
            tar(("a", b"x"), ("a", b"y")),
            tar(("a", b"x"), ("a/b", b"y")),
            tar(("n" * 5000, b"x")),
            tar(link("a", "/etc/passwd", tarfile.SYMTYPE)),
            tar(link("a", "..", tarfile.SYMTYPE), ("a/outside", b"x")),
            tar(link("a", "/etc/passwd", tarfile.LNKTYPE)),
            tar(link("a", "", tarfile.FIFOTYPE)),
            tar(link("a", "", tarfile.CHRTYPE)),
            tar(("a", b"x" * 5000))[:2000],
        ],
        ids=lambda content: hashlib.sha256(content).hexdigest()[:6],
    )
    def test_what_leads_elsewhere_is_refused(
        self, running: Service, tmp_path: Path, content: bytes
    ) -> None:
        (tmp_path / "packed").write_bytes(content)
        with pytest.raises(RefusedError, match="must be an uncompressed archive"):
            unpack(tmp_path / "packed", tmp_path / "deep")
        assert not list(tmp_path.rglob("*outside*"))
        assert not Path("/tmp/luthier-outside").exists()
        assert put(running, content, FOLDER)[0] == 422

    def test_a_file_with_holes(self, tmp_path: Path) -> None:
        (tmp_path / "packed").write_bytes(_sparse())
        with pytest.raises(RefusedError, match="neither a file nor a folder"):
            unpack(tmp_path / "packed", tmp_path / "out")


def _sparse() -> bytes:
    """A GNU archive whose one file claims a terabyte."""
    info = tarfile.TarInfo("a")
    info.type = tarfile.GNUTYPE_SPARSE
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[483:495] = b"\x80" + (2**40).to_bytes(11, "big")
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header[:512])
    return bytes(header) + bytes(1024)
