"""The verbs against a store: what they ask, what they print, and how they exit."""

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from click.testing import CliRunner, Result

import rota
from rota.cli.main import main

_numbers = count(1)


@pytest.fixture
def url() -> str:
    """A memory store of this process, used by nobody before."""
    return f"memory://verbs-{next(_numbers)}"


@pytest.fixture
def app(url: str) -> Iterator[rota.Manager]:
    """A program with two jobs, published on that store; its worker is for the tests to start."""
    manager = rota.Manager(url, name="shop")

    @manager.job
    def add(ctx: rota.Context, a: int, b: int = 2) -> int:
        """Add two numbers."""
        ctx.log.info("adding %d and %d", a, b)
        return a + b

    @manager.job
    def fail() -> None:
        raise ValueError("no")

    with manager:
        with manager.worker():
            pass
        yield manager


def invoke(*arguments: str) -> Result:
    """`rota ARGUMENTS`, in this process, which is where a memory store is."""
    return CliRunner().invoke(main, list(arguments))


def data(*arguments: str) -> Any:
    """What it answers as JSON."""
    result = invoke(*arguments, "-o", "json")
    assert 0 == result.exit_code, result.output
    return json.loads(result.stdout)


def test_schedule_takes_text_names_and_json(app: rota.Manager, url: str) -> None:
    """Text is converted by annotation in the worker; JSON keeps its types."""
    for arguments in (("1", "4"), ("--arg", "a=1", "--arg", "b=4"), ("--json-args", '{"a": 1, "b": 4}')):
        data("schedule", "--store", url, "add", *arguments)
    data("schedule", "--store", url, "add", "--json-args", "[1]", "--arg", "b=4")
    with app.worker() as worker:
        assert worker.drain(10)
    assert [5] * 4 == [one.result(0) for one in app.scan()]


def test_schedule_waits_and_exits_by_the_outcome(app: rota.Manager, url: str) -> None:
    """A shell script can go on, or not."""
    with app.worker():
        done = invoke("schedule", "--store", url, "add", "1", "--wait", "-o", "json")
        failed = invoke("schedule", "--store", url, "fail", "--wait", "-o", "json")
    assert (0, 3) == (done.exit_code, json.loads(done.stdout)["result"])
    assert f"{json.loads(done.stdout)['id']} is scheduled; waiting for its end" in done.stderr
    assert (1, "terminated") == (failed.exit_code, json.loads(failed.stdout)["state"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("ad", "1"), "no worker has published a job 'ad' here; did you mean 'add'?, or say --unknown"),
        (("nothing.like.it",), "see rota list jobs"),
        (("add",), "add: missing a required argument: 'a'"),
        (("add", "1", "2", "3"), "add: too many positional arguments"),
        (("add", "1", "--arg", "a=1"), "add: multiple values for argument 'a'"),
        (("add", "1", "--arg", "c=1"), "add: got an unexpected keyword argument 'c'"),
    ],
)
def test_schedule_goes_by_what_workers_published(
    app: rota.Manager, url: str, arguments: tuple[str, ...], said: str
) -> None:
    """A mistake is told at once, exit 1, instead of lying in the queue or failing in the worker."""
    result = invoke("schedule", "--store", url, *arguments)
    assert (1, "") == (result.exit_code, result.stdout)
    assert said in result.stderr
    assert 0 == app.count()


def test_schedule_tells_that_nobody_runs_it_now(app: rota.Manager, url: str) -> None:
    """Whoever waits for an end that can't come yet should know."""
    assert "no live worker runs 'add'; it waits until one does" in invoke("schedule", "--store", url, "add", "1").stderr
    with app.worker(kinds=["add"]):
        assert "no live worker" not in invoke("schedule", "--store", url, "add", "1", "--wait").stderr


def test_schedule_for_a_worker_that_is_to_come(app: rota.Manager, url: str) -> None:
    """`--unknown`: nothing is checked."""
    assert "later" == data("schedule", "--store", url, "later", "1", "--unknown")["kind"]
    assert ["later"] == [one.kind for one in app.scan()]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--arg", "a"), "does not read NAME=VALUE"),
        (("--arg", "a=1", "--json-args", '{"a": 1}'), "'a' is given twice"),
        (("--json-args", "1"), "must be a JSON object of names, or a JSON list"),
        (("--json-args", "{"), "must be a JSON object"),
        (("--after", "soon"), "timedelta"),
        (("--at", "tomorrow"), "datetime"),
    ],
)
def test_schedule_refuses_what_can_not_be(url: str, arguments: tuple[str, ...], said: str) -> None:
    """As a wrong call, exit 2, before anything is asked of the store."""
    result = invoke("schedule", "--store", url, "add", *arguments)
    assert 2 == result.exit_code
    assert said in result.stderr


def test_schedule_options_reach_the_instance(app: rota.Manager, url: str) -> None:
    """Delay, key and the rest, as `options(...)` takes them."""
    row = data("schedule", "--store", url, "add", "1", "--after", "5m", "--unique-key", "k", "--priority", "0")
    (one,) = app.scan()
    assert str(one.id) == row["id"]
    assert 300 == round((one.due_at - one.created_at).total_seconds())
    assert "k" == one.unique_key


def test_instances_are_listed_by_selection(app: rota.Manager, url: str) -> None:
    """Newest first, no more than the limit, by any of the options."""
    ids = [str(app["add"].schedule(number).id) for number in range(3)]
    app["fail"].schedule()
    assert [*reversed(ids)] == [row["id"] for row in data("list", "instances", "--store", url, "--kind", "add")]
    shown = data("list", "instances", "--store", url, "--oldest-first", "--limit", "2")
    assert ids[:2] == [row["id"] for row in shown]
    assert 4 == len(data("list", "instances", "--store", url, "--since", "1h", "--state", "scheduled"))
    assert [] == data("list", "instances", "--store", url, "--until", "1h")
    assert 2 == invoke("list", "instances", "--store", url, "--state", "sleeping").exit_code


def test_list_says_that_it_shows_a_part(app: rota.Manager, url: str) -> None:
    """On stderr, so that the data are the data."""
    app.schedule_many(app["add"].call(number) for number in range(2))
    cut = invoke("list", "instances", "--store", url, "--limit", "1", "-o", "jsonl")
    assert (1, True) == (len(cut.stdout.splitlines()), "the first 1, --limit" in cut.stderr)
    assert "more than" not in invoke("list", "instances", "--store", url, "--limit", "2").stderr


@pytest.mark.parametrize(("output", "lines"), [("table", 2), ("csv", 2), ("jsonl", 1), ("json", None)])
def test_rows_come_in_every_form(app: rota.Manager, url: str, output: str, lines: int | None) -> None:
    """A table for people, the rest for programs."""
    app["add"].schedule(1)
    printed = invoke("list", "instances", "--store", url, "-o", output).stdout
    assert "add" in printed
    assert lines is None or lines == len(printed.splitlines())


def test_one_instance_is_shown_with_history_and_logs(app: rota.Manager, url: str) -> None:
    """All that its handle knows."""
    with app.worker():
        one = app["add"].schedule(1, 2).join(10)
    shown = data("show", "--store", url, str(one.id))
    assert ({"a": 1, "b": 2}, 3, "completed") == (shown["arguments"], shown["result"], shown["state"])
    states = [row["state"] for row in data("history", "--store", url, str(one.id))]
    assert ["created", "scheduled", "processing", "completed"] == states
    assert ["adding 1 and 2"] == [row["message"] for row in data("logs", "--store", url, str(one.id))]
    followed = invoke("logs", "-f", "--store", url, str(one.id))
    assert followed.stdout.rstrip().endswith("info  1  adding 1 and 2")


def test_unknown_instance_fails_with_a_message(url: str) -> None:
    """Exit 1: the call was right."""
    with rota.Manager(url):
        result = invoke("show", "--store", url, "01a21326-7d86-7016-9a8f-c8e229e78a4a")
    assert (1, True) == (result.exit_code, "no instance 01a21326" in result.stderr)


def test_jobs_workers_schedules_and_numbers_are_listed(app: rota.Manager, url: str) -> None:
    """What workers publish, who they are, the rules, and each kind's counts."""
    app.put_schedule("nightly", rota.Cron("0 2 * * *"), app["add"].call(1))
    app["add"].schedule(1)
    app.pause("add")
    with app.worker(concurrency=3) as worker:
        jobs = {row["kind"]: row for row in data("list", "jobs", "--store", url)}
        assert (["a: int", "b: int = 2"], "Add two numbers.") == (jobs["add"]["parameters"], jobs["add"]["summary"])
        (shown,) = data("list", "workers", "--store", url)
        assert (worker.name, 3) == (shown["name"], shown["concurrency"])
    rules = {row["name"]: row for row in data("list", "schedules", "--store", url)}
    assert ("add", False, 5) == (
        rules["nightly"]["kind"],
        rules["nightly"]["paused"],
        len(rules["nightly"]["next_slots"]),
    )
    (stats,) = data("stats", "add", "--store", url)
    assert (1, 0, True) == (stats["scheduled"], stats["completed"], stats["paused"])


@pytest.mark.parametrize("verb", ["cancel", "retry", "purge"])
def test_verb_without_a_selection_is_refused(url: str, verb: str) -> None:
    """Nobody empties a store by a forgotten option; nor by one beside `--all`."""
    with rota.Manager(url):
        assert 2 == invoke(verb, "--store", url).exit_code
        assert 2 == invoke(verb, "--store", url, "--all", "--kind", "add").exit_code
        assert 0 == invoke(verb, "--store", url, "--all").exit_code


def test_instances_are_canceled_retried_and_purged(app: rota.Manager, url: str) -> None:
    """Each says how many."""
    app["add"].schedule(1)
    app["fail"].schedule()
    assert "1 canceled" in invoke("cancel", "--store", url, "--kind", "add").stdout
    with app.worker() as worker:
        assert worker.drain(10)
    assert "1 scheduled again" in invoke("retry", "--store", url, "--kind", "fail").stdout
    assert "2 removed" in invoke("purge", "--store", url, "--all").stdout
    assert 1 == app.count()


def test_what_is_named_and_can_not_be_done_fails(app: rota.Manager, url: str) -> None:
    """With what stood in its way, and how many it was done to."""
    ended, queued = app["add"].schedule(1), app["add"].schedule(2)
    ended.cancel()
    for verb, done in (("cancel", 1), ("retry", 0)):
        told = invoke(verb, "--store", url, str(ended.id), str(queued.id))
        assert (1, f"{done} ") == (told.exit_code, told.stdout[:2])
        assert f"{ended.id} (canceled)" in told.stderr


def test_instances_are_named_by_id(app: rota.Manager, url: str) -> None:
    """What a list shows is what the verbs take; one that is not there stops the whole call before it does anything."""
    first, second = app["add"].schedule(1), app["add"].schedule(2)
    gone = "01a21326-7d86-7016-9a8f-c8e229e78a4a"
    for verb in ("cancel", "retry", "purge"):
        result = invoke(verb, "--store", url, str(first.id), gone)
        assert (1, "", True) == (result.exit_code, result.stdout, f"no instance {gone} here" in result.stderr)
    assert rota.State.SCHEDULED is first.refresh().state
    assert "2 canceled" in invoke("cancel", "--store", url, str(first.id), "--id", str(second.id)).stdout
    assert "1 removed" in invoke("purge", "--store", url, str(first.id)).stdout
    assert [second.id] == [one.id for one in app.scan()]


def test_jobs_and_rules_are_paused_and_resumed(app: rota.Manager, url: str) -> None:
    """By name; a rule that is not there is a failure."""
    app.put_schedule("nightly", rota.Cron("0 2 * * *"), app["add"].call(1))
    assert 0 == invoke("pause", "--store", url, "add", "--schedule", "nightly").exit_code
    assert [True] == [one.paused for one in app.stats("add")]
    assert [True] == [one.paused for one in app.schedules() if one.name == "nightly"]
    assert 0 == invoke("resume", "--store", url, "add", "--schedule", "nightly").exit_code
    assert [False] == [one.paused for one in app.schedules() if one.name == "nightly"]
    assert 1 == invoke("pause", "--store", url, "--schedule", "other").exit_code
    assert 1 == invoke("pause", "--store", url, "ad").exit_code
    app.pause("later")  # a program knows what is to come
    assert 0 == invoke("resume", "--store", url, "later").exit_code
    elsewhere = invoke("pause", "--store", url, "--namespace", "empty", "add")
    assert (1, True) == (elsewhere.exit_code, "is it the right store, and the right namespace?" in elsewhere.stderr)
    assert 2 == invoke("pause", "--store", url).exit_code


def test_rule_is_fired_by_hand(app: rota.Manager, url: str) -> None:
    """An instance beside its slots, linked to it."""
    app.put_schedule("nightly", rota.Cron("0 2 * * *"), app["add"].call(1))
    assert "add" == data("fire", "nightly", "--store", url)["kind"]
    assert ["nightly"] == [one.schedule for one in app.scan()]
    assert 1 == invoke("fire", "other", "--store", url).exit_code


def test_worker_is_resized_by_name(app: rota.Manager, url: str) -> None:
    """At its next beat, which the request itself brings about."""
    from rota.testing import wait_until

    with app.worker(concurrency=1) as worker:
        assert 0 == invoke("resize", str(worker.name), "3", "--store", url).exit_code
        wait_until(lambda: worker.concurrency == 3, description="the worker has 3 slots")
    assert 1 == invoke("resize", "nobody", "3", "--store", url).exit_code


def test_store_that_is_none_is_a_wrong_call() -> None:
    """Exit 2 for what can't be a store; the message says what to give."""
    assert 2 == invoke("list", "jobs", "--store", "nonsense").exit_code


def test_namespace_is_another_world(app: rota.Manager, url: str) -> None:
    """`--namespace` goes with `--store` only."""
    app["add"].schedule(1)
    assert [] == data("list", "instances", "--store", url, "--namespace", "other")
    assert 2 == invoke("list", "jobs", "--server", "host:1", "--namespace", "other").exit_code


def test_store_that_nobody_else_sees_is_told_of(app: rota.Manager, url: str) -> None:
    """What is scheduled there would be lost without a word."""
    result = invoke("schedule", "--store", url, "add", "1", "-o", "json")
    assert (0, "add") == (result.exit_code, json.loads(result.stdout)["kind"])
    assert "ends with it" in result.stderr
