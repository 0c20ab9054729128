"""The command with two terminals on one SQLite file: `rota run` in one process, every other verb in processes of their
own, as users type them. No process of a test outlives it."""

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from core.tests.cli.processes import command, environ, running

import rota
from rota.testing import wait_until

APP = """
from pathlib import Path

import rota

manager = rota.Manager(name="shop")


@manager.job
def add(ctx: rota.Context, a: int, b: int = 2) -> int:
    ctx.log.info("adding %d and %d", a, b)
    return a + b


@manager.job
def hold(ctx: rota.Context, until: str) -> str:
    "Run until there is a file of that name."
    ctx.log.info("attempt %d holds", ctx.attempt)
    while not Path(until).exists():
        ctx.wait(0.01)
    ctx.log.info("let go")
    return "held"


@manager.job
def fail() -> None:
    raise ValueError("no")


@manager.job(keep=0)
def brief() -> None: ...


@manager.job(recurring=rota.Every(0.2), overlap="allow")
def tick() -> None: ...
"""
SETTINGS = {"ROTA_STORE": "sqlite:///jobs.db"}
TIMEOUT_S = 60.0  # never reached where things are right


@dataclass(frozen=True)
class Terminal:
    """A folder with the module `app` in it, and a setting that names the store."""

    folder: Path
    numbers: Iterator[int]

    def rota(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """`rota ARGUMENTS`, to its end."""
        return subprocess.run(
            command(*arguments), cwd=self.folder, env=environ({**SETTINGS, **settings}),
            capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
        )  # fmt: skip

    def data(self, *arguments: str) -> Any:
        """What it answers as JSON."""
        ran = self.rota(*arguments, "-o", "json")
        assert 0 == ran.returncode, ran.stderr
        return json.loads(ran.stdout)

    def following(self, *arguments: str) -> AbstractContextManager[subprocess.Popen[str]]:
        """`rota ARGUMENTS` that goes on; it ends with the block."""
        return running(self.folder, *arguments, **SETTINGS)

    @contextmanager
    def worker(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """`rota run app:manager ARGUMENTS`, once it runs; killed at the end of the block if it still does."""
        log = self.folder / f"worker-{next(self.numbers)}.log"
        with log.open("wb") as stderr:
            process = subprocess.Popen(
                command("run", "app:manager", *arguments), cwd=self.folder, env=environ(SETTINGS), stderr=stderr
            )  # fmt: skip
        try:
            wait_until(lambda: "end it with SIGTERM" in log.read_text(), TIMEOUT_S, f"the worker of {log} runs")
            yield process
        finally:
            process.kill()
            process.wait()

    def held(self, gate: str) -> str:
        """The id of an instance that runs until `let_go`."""
        row = self.data("schedule", "hold", gate)
        with self.following("logs", "-f", row["id"]) as logs:
            assert "attempt 1 holds" in line_of(logs)
        return str(row["id"])

    def let_go(self, gate: str) -> None:
        """Let it end."""
        (self.folder / gate).touch()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """A terminal beside one in which a worker runs."""
    terminal = terminal_in(tmp_path_factory.mktemp("shop"))
    with terminal.worker("--concurrency", "8"):
        yield terminal


@pytest.fixture
def alone(tmp_path: Path) -> Terminal:
    """A terminal on a file that nobody has made yet."""
    return terminal_in(tmp_path)


def terminal_in(folder: Path, module: str = APP) -> Terminal:
    """A terminal in that folder, which gets the module `app`."""
    (folder / "app.py").write_text(module, "utf-8")
    return Terminal(folder, count(1))


def line_of(process: subprocess.Popen[str]) -> str:
    """The next line that it prints."""
    assert process.stdout is not None
    return process.stdout.readline()


# ---- one worker, many terminals -----------------------------------------------------------------------


def test_job_scheduled_here_runs_there_and_is_seen_from_here(shop: Terminal) -> None:
    """Result, history, log and lists, each asked by a process of its own."""
    done = shop.data("schedule", "add", "1", "--arg", "b=4", "--wait")
    assert (5, "completed", {"a": "1", "b": "4"}) == (done["result"], done["state"], done["arguments"])
    states = [row["state"] for row in shop.data("history", done["id"])]
    assert ["created", "scheduled", "processing", "completed"] == states
    assert ["adding 1 and 4"] == [row["message"] for row in shop.data("logs", done["id"])]
    assert {"add", "hold", "fail", "tick"} <= {row["kind"] for row in shop.data("list", "jobs")}
    (worker,) = shop.data("list", "workers")
    assert 8 == worker["concurrency"]
    for output in ("table", "jsonl", "csv"):
        assert done["id"] in shop.rota("list", "instances", "--kind", "add", "-o", output).stdout


def test_failed_job_is_an_exit_code_and_is_retried_once(shop: Terminal) -> None:
    """A script can go on, or not; a repeated `retry` adds nothing."""
    failed = shop.rota("schedule", "fail", "--wait", "-o", "json")
    row = json.loads(failed.stdout)
    assert (1, "ValueError: no") == (failed.returncode, row["error"])
    said = [shop.rota("retry", row["id"]).stdout for _ in range(2)]
    assert ["1 scheduled again\n", "0 scheduled again\n"] == said


def test_log_is_followed_to_the_end(shop: Terminal) -> None:
    """Lines come as they are said, and the command ends with the instance."""
    one = shop.data("schedule", "hold", "followed")["id"]
    with shop.following("logs", "-f", one, "-o", "jsonl") as logs:
        assert "attempt 1 holds" == json.loads(line_of(logs))["message"]
        shop.let_go("followed")
        out, err = logs.communicate(timeout=TIMEOUT_S)
    assert ("let go", "", 0) == (json.loads(out)["message"], err, logs.returncode)


@pytest.mark.parametrize("verb", [("logs", "-f"), ("watch",)], ids=" ".join)
def test_ctrl_c_ends_following_without_a_word(shop: Terminal, verb: tuple[str, ...]) -> None:
    """It is how a person ends it: no traceback, and no failure."""
    gate = f"unfollowed by {verb[0]}"
    of = (shop.held(gate),) if verb[0] == "logs" else ()
    with shop.following(*verb, *of) as following:
        assert "" != line_of(following)
        following.send_signal(signal.SIGINT)
        _, err = following.communicate(timeout=TIMEOUT_S)
    assert (0, "") == (following.returncode, err)
    shop.let_go(gate)


def test_running_job_is_canceled_from_another_terminal(shop: Terminal) -> None:
    """By request to its worker, which hears of it while the job runs."""
    one = shop.held("never")
    with shop.following("logs", "-f", one) as logs:
        assert "1 canceled, or asked to end\n" == shop.rota("cancel", one).stdout
        logs.communicate(timeout=TIMEOUT_S)
    assert "canceled" == shop.data("show", one)["state"]


def test_paused_job_waits_until_it_is_resumed(shop: Terminal) -> None:
    """Nothing but the file tells the worker of it."""
    assert 0 == shop.rota("pause", "add").returncode
    try:
        one = shop.data("schedule", "add", "1")["id"]
        (stats,) = shop.data("stats", "add")
        assert (True, 1) == (stats["paused"], stats["scheduled"])
    finally:
        assert 0 == shop.rota("resume", "add").returncode
    with shop.following("logs", "-f", one) as logs:
        assert "adding 1 and 2" in line_of(logs)


def test_rules_of_the_code_are_listed_fired_and_paused(shop: Terminal) -> None:
    """Declared by the worker's program, owned by its name."""
    rules = {row["name"]: row for row in shop.data("list", "schedules")}
    assert ("shop", "tick") == (rules["tick"]["owner"], rules["tick"]["kind"])
    assert "completed" == shop.data("fire", "tick", "--wait")["state"]
    assert 0 == shop.rota("pause", "--schedule", "tick").returncode
    assert 0 == shop.rota("resume", "--schedule", "tick").returncode


def test_what_has_stayed_its_time_is_removed(shop: Terminal) -> None:
    """Retention is a job of the worker's, and may be run by hand; whoever asks afterwards is told."""
    one = shop.data("schedule", "brief", "--wait")["id"]
    assert "completed" == shop.data("fire", "system.history.cleaner", "--wait")["state"]
    gone = shop.rota("show", one)
    assert (1, "") == (gone.returncode, gone.stdout)
    assert f"no instance {one} here: it never was, or it was purged" in gone.stderr


def test_namespace_of_the_environment_is_another_world(shop: Terminal) -> None:
    """Nothing of the worker's is there."""
    ran = shop.rota("list", "jobs", "-o", "json", ROTA_NAMESPACE="other")
    assert (0, "[]\n") == (ran.returncode, ran.stdout)


# ---- the guide -------------------------------------------------------------------------------------------


def test_two_terminals_of_the_guide(tmp_path: Path) -> None:
    """What a reader copies works, in the order of the page."""
    page = (Path(__file__).parent.parent / "docs" / "guide.md").read_text("utf-8")
    module, walk = re.findall(r"```python\n(# app\.py\n.*?)```.*?```sh\n(export ROTA_STORE=.*?)```", page, re.DOTALL)[0]
    terminal = terminal_in(tmp_path, module)
    commands = [line.partition("#")[0].split()[1:] for line in walk.splitlines() if line.startswith("rota ")]
    assert ["list", "schedule", "schedule", "list", "logs", "cancel", "history"] == [verb for verb, *_ in commands]
    with terminal.worker():
        one = ""
        for words in commands:
            shown = typed(terminal, [one if word == "ID" else word for word in words])
            one = shown.split()[1] if words[0] == "schedule" else one
        with terminal.following("logs", "-f", one) as logs:
            logs.communicate(timeout=TIMEOUT_S)
        assert "canceled" == terminal.data("show", one)["state"]


def typed(terminal: Terminal, words: list[str]) -> str:
    """What `rota WORDS` shows, without a failure; what follows is left by Ctrl-C after its first line."""
    if "-f" not in words:
        ran = terminal.rota(*words)
        assert 0 == ran.returncode, ran.stderr
        return ran.stdout
    with terminal.following(*words) as following:
        line = line_of(following)
        following.send_signal(signal.SIGINT)
        assert 0 == following.wait(TIMEOUT_S)
    return line


# ---- workers that come and go -------------------------------------------------------------------------


def test_what_a_killed_worker_held_is_finished_by_another(alone: Terminal) -> None:
    """A SIGKILL loses nothing: once its lease has ended, the instance starts again, and the history says why."""
    with alone.worker("--lease", "1") as first:
        one = alone.held("gate")
        first.kill()
        first.wait()
    alone.let_go("gate")
    assert 0 == alone.rota("run", "app:manager", "--kinds", "hold", "--drain").returncode
    shown, history = alone.data("show", one), alone.data("history", one)
    assert ("completed", "held") == (shown["state"], shown["result"])
    assert {"crashed"} == {row["reason"] for row in history if row["reason"]}


def test_two_workers_share_the_work_fire_each_slot_once_and_end_by_a_signal(alone: Terminal) -> None:
    """Two `rota run` on one file are one queue: each slot has one instance, and both leave in order."""
    with alone.worker("--concurrency", "1") as first, alone.worker("--concurrency", "1") as second:
        ids = [alone.data("schedule", "hold", "both")["id"] for _ in range(2)]
        for one in ids:  # each needs a whole worker
            with alone.following("logs", "-f", one) as logs:
                assert "attempt 1 holds" in line_of(logs)
        alone.let_go("both")
        with rota.connect(f"sqlite:///{alone.folder / 'jobs.db'}") as client:
            ticks = rota.Query(kind="tick", state=rota.State.COMPLETED)
            wait_until(lambda: client.count(ticks) >= 3, TIMEOUT_S, "three slots have fired")
            slots = [one.slot for one in client.scan(rota.Query(kind="tick"))]
        first.send_signal(signal.SIGTERM)
        second.send_signal(signal.SIGINT)
        assert [0, 0] == [worker.wait(TIMEOUT_S) for worker in (first, second)]
    assert sorted(set(slots)) == sorted(slots)
    assert [] == alone.data("list", "workers")


def test_rules_without_an_owner_are_refused(alone: Terminal) -> None:
    """In a store that others share a rule needs a name to belong to; exit 2 says which line to write."""
    terminal_in(alone.folder, APP.replace('name="shop"', ""))
    ran = alone.rota("run", "app:manager")
    assert (2, "") == (ran.returncode, ran.stdout)
    assert 'has no name to own them: write Manager(name="...")' in ran.stderr


# ---- what is not there, and what can't be -------------------------------------------------------------


def test_file_that_is_not_there_is_made_by_a_worker_alone(alone: Terminal) -> None:
    """A mistyped path would otherwise be an empty store, and what is scheduled there lost without a word."""
    for arguments in (("list", "instances"), ("schedule", "add", "1", "--unknown"), ("purge", "--all")):
        ran = alone.rota(*arguments)
        assert (3, "") == (ran.returncode, ran.stdout)
        assert f"no file {alone.folder / 'jobs.db'}" in ran.stderr
    assert [] == list(alone.folder.glob("*.db*"))


@pytest.mark.parametrize(
    ("store", "code", "said"),
    [
        ("sqllite:///jobs.db", 1, 'did you mean "sqlite"?'),
        ("sqlite://jobs.db", 2, "sqlite:///jobs.db for a file here"),
        ("sqlite:///app.py", 1, "no SQLite database"),
        ("sqlite:///app.py/jobs.db", 3, "no file"),
        ("jobs.db", 2, "starts with a scheme"),
    ],
)
def test_wrong_store_is_one_message_and_a_code(alone: Terminal, store: str, code: int, said: str) -> None:
    """What is wrong, and what to write instead; never a traceback."""
    ran = alone.rota("list", "instances", "--store", store)
    assert (code, "") == (ran.returncode, ran.stdout)
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr


def test_queue_policy_of_the_workers_is_no_concern_of_the_command(alone: Terminal) -> None:
    """It ranks as the namespace does, and a look before the first worker does not decide for it."""
    terminal_in(alone.folder, APP.replace('name="shop"', 'name="shop", policy="fifo"'))
    with rota.Manager(f"sqlite:///{alone.folder / 'jobs.db'}", policy=None):
        assert [] == alone.data("list", "instances")
    with alone.worker():
        assert 3 == alone.data("schedule", "add", "1", "--wait")["result"]


def test_reader_that_leaves_ends_a_long_list(alone: Terminal) -> None:
    """`| head` takes what it wants: no traceback, no complaint; far more is never read."""
    with rota.Manager(f"sqlite:///{alone.folder / 'jobs.db'}") as manager:
        manager.schedule_many(manager.remote("add").call(number) for number in range(3_000))
    for output in ("table", "jsonl"):
        with alone.following("list", "instances", "--limit", "3000", "-o", output) as listing:
            assert "" != line_of(listing)
            assert listing.stdout is not None
            listing.stdout.close()
            _, err = listing.communicate(timeout=TIMEOUT_S)
        assert (1, "") == (listing.returncode, err)
