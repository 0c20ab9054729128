"""`rota run`, as a user types it: a real process, real signals."""

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from core.tests.cli.processes import running as rota

from rota.testing import wait_until

APP = """
import time

import rota

manager = rota.Manager({store})


@manager.job(recurring=rota.Every(0.1))
def tick() -> None:
    print("tick", flush=True)


@manager.job(kind="other.never", recurring=rota.Every(0.1))
def never() -> None:
    print("never", flush=True)


@manager.job(recurring=rota.Every(3600, start=None))
def hourly() -> None: ...


@manager.job
def stuck() -> None:
    print("stuck", flush=True)
    time.sleep(60)
"""
STUCK = APP + "\n\nstuck.schedule()\n"


@pytest.fixture
def app(tmp_path: Path) -> Callable[..., Path]:
    """Writes a module `app` into a folder of its own, which is the answer."""

    def write(text: str, store: str = '"memory://"') -> Path:
        (tmp_path / "app.py").write_text(text.format(store=store), "utf-8")
        return tmp_path

    return write


def first_line(process: subprocess.Popen[str]) -> str:
    """What the job prints first."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_the_worker_with_code_zero(app: Callable[..., Path], number: int) -> None:
    """A first signal stops the worker in order: exit code 0, messages on stderr only."""
    with rota(app(APP), "run", "app:manager", "--kinds", "tick") as process:
        assert first_line(process) == "tick"
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert set(out.split()) <= {"tick"}
    assert "rota.worker" in err


@pytest.mark.parametrize("more", [(), ("--drain",)], ids=["run", "drain"])
def test_second_signal_ends_the_grace(app: Callable[..., Path], more: tuple[str, ...]) -> None:
    """A job that does not listen holds the worker for its grace, until a second signal comes; a drain that the first
    one ended does not count for one."""
    with rota(app(STUCK), "run", "app:manager", "--kinds", "stuck", "--grace", "50", *more) as process:
        assert first_line(process) == "stuck"
        process.send_signal(signal.SIGTERM)
        assert process.stderr is not None
        wait_until(lambda: "a second signal" in process.stderr.readline(), 10, "the worker says that it is stopping")  # type: ignore[union-attr]
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    assert process.returncode == 0


def test_drain_ends_by_itself_once_all_is_done(app: Callable[..., Path]) -> None:
    """For a cron entry or a deploy step: what is due is done, what is due later stays, and the command is over."""
    later = "\n\nstuck.options(after=60).schedule()\ntick.schedule()\n"
    with rota(app(APP + later), "run", "app:manager", "--kinds", "stuck", "--kinds", "tick", "--drain") as process:
        out, err = process.communicate(timeout=20)
    assert (0, {"tick"}) == (process.returncode, set(out.split()))
    assert "it ends once nothing is due or running" in err


def test_kinds_choose_what_runs(app: Callable[..., Path]) -> None:
    """Jobs that no pattern names are not run here."""
    with rota(app(APP), "run", "app:manager", "--kinds", "tic*", "--concurrency", "2") as process:
        assert [first_line(process) for _ in range(3)] == ["tick"] * 3
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=20)
    assert "never" not in out


def test_store_option_serves_a_manager_without_a_store(app: Callable[..., Path]) -> None:
    """The flag wins over the code, and makes `Manager()` possible."""
    with rota(app(APP, store=""), "run", "app:manager", "--store", "memory://", "--kinds", "tick") as process:
        assert first_line(process) == "tick"
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["app:manager", "--store", "redis://user:hush@host"], 1, ["redis", "pip install rota-store-redis"]),
        (["app:nothing"], 2, ["app", "nothing of that name", "its managers: manager"]),
        (["app:managr"], 2, ["did you mean 'manager'?"]),
        (["app:tick"], 2, ["must name a rota.Manager", "a Job"]),
        (["absent:manager"], 2, ["no module 'absent'", "right folder"]),
        (["app.deeper:manager"], 2, ["no module 'app.deeper'"]),
        (["app.py:manager"], 2, ["names a file, not a module; did you mean app:manager?"]),
        (["shop/app.py"], 2, ["did you mean shop.app:manager?"]),
        (["app:manager", "--kinds", "no.such"], 2, ["no.such", "tick"]),
        (["app:manager", "--store", "user:hush@host"], 2, ["--store", "starts with a scheme"]),
        (["app"], 2, ["MODULE:MANAGER"]),
        (["app:manager", "--concurrency", "0"], 2, ["concurrency"]),
        ([], 2, ["MODULE:MANAGER"]),
    ],
)
def test_mistake_ends_with_a_message_and_a_code(
    app: Callable[..., Path], arguments: list[str], code: int, words: list[str]
) -> None:
    """A mistake is one clear message on stderr, nothing on stdout, and never shows a password."""
    with rota(app(APP), "run", *arguments) as process:
        out, err = process.communicate(timeout=20)
    assert (code, "") == (process.returncode, out)
    assert [word for word in words if word not in err] == []
    assert "hush" not in err
    assert "Traceback" not in err


def test_import_error_inside_the_module_is_shown_as_it_is(app: Callable[..., Path]) -> None:
    """A module that exists and fails to import is the user's own error: its traceback is what helps."""
    with rota(app("import no_such_library\n"), "run", "app:manager") as process:
        _, err = process.communicate(timeout=20)
    assert process.returncode == 1
    lines = err.splitlines()
    assert "Traceback (most recent call last):" == lines[0]
    assert "app.py" in lines[1]
    assert "ModuleNotFoundError: No module named 'no_such_library'" == lines[-1]
    assert "importlib" not in err


@pytest.mark.parametrize(
    ("files", "environ", "words"),
    [
        ({"rota.toml": "store ="}, {}, ["rota.toml is no TOML"]),
        ({"rota.toml": "stroe = 'memory://'"}, {}, ["rota.toml", "'stroe'", "store, namespace, concurrency"]),
        ({}, {"ROTA_STORE": "memory"}, ["ROTA_STORE", "starts with a scheme"]),
        ({}, {"ROTA_STORE": "memory://", "ROTA_CONCURRENCY": "many"}, ["ROTA_CONCURRENCY", "'many'"]),
    ],
)
def test_wrong_configuration_ends_with_code_two(
    app: Callable[..., Path], files: dict[str, str], environ: dict[str, str], words: list[str]
) -> None:
    """One message that names where the setting stands, though it is met inside the user's module."""
    folder = app(APP, store="")
    for name, text in files.items():
        (folder / name).write_text(text)
    with rota(folder, "run", "app:manager", **environ) as process:
        out, err = process.communicate(timeout=20)
    assert (2, "") == (process.returncode, out)
    assert [word for word in words if word not in err] == []
    assert "Traceback" not in err


def test_mistake_in_the_module_names_its_line(app: Callable[..., Path]) -> None:
    """The message says what, the line before it where."""
    folder = app("import rota\nmanager = rota.Manager('memory://')\nmanager.job(retries=3)\n")
    with rota(folder, "run", "app:manager") as process:
        _, err = process.communicate(timeout=20)
    assert process.returncode == 2
    where, what, *_ = err.splitlines()
    assert where.endswith("app.py, line 3:")
    assert "error: job() has no option 'retries'" in what


def test_log_begins_with_the_store(app: Callable[..., Path]) -> None:
    """Which one a worker uses is the first question when nothing runs."""
    with rota(app(APP, store='"memory://here"'), "run", "app:manager", "--namespace", "shop") as process:
        assert process.stderr is not None
        line = process.stderr.readline()
    assert "memory://here, namespace shop" in line
