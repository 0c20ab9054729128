"""The typing claims of the public surface. Both checkers must refuse lines marked BAD: unused ignores are errors."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, assert_type
from uuid import UUID

import rota

jobs = rota.Jobs("shop.")


@jobs.job
def add(a: int, b: int = 2) -> int:
    return a + b


@jobs.job(kind="fetch", timeout=30, retry=rota.Retry(3, backoff=rota.Exponential(1, 60), on=(OSError,)))
async def fetch(ctx: rota.Context, url: str, *, depth: int = 1) -> bytes:
    return b""


@jobs.job(limits=rota.Limit(5, rate="100/min", key="{tenant}"), unique_key="sync:{tenant}", unique_until="started")
def sync(ctx: rota.Context, tenant: str) -> None:
    ctx.progress(0.5)


@jobs.job(recurring=rota.Cron("0 2 * * *", tz="Europe/Berlin"))
def nightly() -> None: ...


@jobs.job
def any_first(x: object) -> str:
    return ""


@jobs.job
def varargs(*names: str, **extra: int) -> int:
    return 1


@jobs.job(kind="report.render", remote=True)
def render(customer: UUID, month: str) -> dict[str, float]:
    raise NotImplementedError  # mypy refuses `...` as a body here ([empty-body])


# 1 injected context is not part of the caller's signature; everything else is
assert_type(add.schedule(1), rota.Instance[int])
assert_type(fetch.schedule("u", depth=2), rota.Instance[bytes])
assert_type(sync.schedule(tenant="t"), rota.Instance[None])
assert_type(add.schedule(1).result(timeout=10), int)
assert_type(fetch.schedule("u").result(), bytes)
assert_type(varargs.schedule("a", "b", c=1), rota.Instance[int])
assert_type(any_first.schedule(1), rota.Instance[str])
assert_type(any_first.schedule("x"), rota.Instance[str])
assert_type(nightly.schedule(), rota.Instance[None])
add.schedule("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # BAD
add.schedule()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # BAD
fetch.schedule("u", dept=2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # BAD
sync.schedule(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # BAD
render.schedule("x", "y")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # BAD

# 2 the function stays callable, without the context
assert_type(add(1, 2), int)
sync("t")


async def direct() -> None:
    assert_type(await fetch("u"), bytes)
    one = await add.aschedule(1, b=3)
    assert_type(one, rota.Instance[int])
    assert_type(await one.aresult(), int)


# 3 options keep the signature and the result; they can't clash with the job's own arguments
assert_type(add.options(after=timedelta(seconds=5), priority=0).schedule(3, 4), rota.Instance[int])
add.options(prioriti=0)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # BAD


@jobs.job
def clash(priority: str, at: str, timeout: int) -> str:
    return ""


assert_type(clash.options(priority=1).schedule(priority="x", at="y", timeout=1), rota.Instance[str])


# 4 bound methods, closures, partials, existing functions
def plus(a: int, b: int) -> int:
    return a + b


class Mailer:
    def send(self, to: str) -> bool:
        return True

    def render(self, ctx: rota.Context, to: str) -> bool:
        return True


mailer = Mailer()
assert_type(jobs.job(mailer.send).schedule("a@b"), rota.Instance[bool])
assert_type(jobs.job(kind="m.render")(mailer.render).schedule("a@b"), rota.Instance[bool])
assert_type(jobs.job(kind="inc")(partial(plus, 1)).schedule(2).result(), int)


def make(n: int) -> rota.Job[[str], str]:
    @jobs.job(kind=f"times-{n}")
    def times(s: str, /) -> str:
        return s * n

    return times


# 5 calls: typed data for bulk, schedules and flows
manager = rota.Manager("memory://", name="shop", jobs=[jobs, "billing.jobs:jobs"])
assert_type(manager.schedule(add.call(1, 2)), rota.Instance[int])
many = manager.schedule_many(add.call(i, i) for i in range(10_000))
assert_type(many, list[rota.Instance[int]])
manager.put_schedule("tenant-42", rota.Every(timedelta(hours=1)), sync.call("42"))
jobs.recurring("sum", rota.Cron("*/5 * * * *"), add.call(5, 6))


@jobs.job
def size(data: bytes) -> int:
    return len(data)


@jobs.job
def total(sizes: list[int]) -> int:
    return sum(sizes)


@jobs.job
def show(n: int, title: str = "") -> str:
    return str(n)


page = fetch.call("u")
assert_type(manager.schedule(size.call(page.output)), rota.Instance[int])
assert_type(rota.chain(page, size, show), rota.Call[str])
assert_type(rota.group(size.call(b"") for _ in range(3)), rota.Call[list[int]])
assert_type(rota.chord([size.call(b"")], total), rota.Call[int])
assert_type(manager.schedule(rota.chain(rota.chord([size.call(b"")], total), show)).result(), str)
rota.chain(page, total)  # type: ignore[misc]  # pyright: ignore[reportArgumentType]  # BAD
size.call(add.call(1).output)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # BAD


# 6 processors
@add.on_complete
def done(instance: rota.Instance[int], result: int) -> None: ...


@add.on_terminate
def failed(instance: rota.Instance[int], error: rota.JobError) -> rota.Resolved[int] | None:
    return rota.Resolved(0)


@add.on_terminate  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # BAD
def wrong(instance: rota.Instance[int], error: rota.JobError) -> rota.Resolved[str] | None:
    return None


# 7 by name: untyped, explicit
assert_type(manager.remote("report.render").options(priority=0).schedule("a", month="b"), rota.Instance[Any])
assert_type(add.get(UUID(int=0)).result(), int)
for found in manager.scan(rota.Query(kind="add", state=rota.State.TERMINATED)):
    assert_type(found, rota.Instance[Any])


# 8 a client near and far is one type
def counts(client: rota.Client) -> int:
    return client.count(rota.Query(state=rota.State.SCHEDULED))


counts(manager)
counts(rota.connect("rota://host:59051"))


# 9 lifespan and resources by type
@dataclass
class Http:
    base: str


@asynccontextmanager
async def lifespan() -> AsyncGenerator[list[object]]:
    yield [Http("x")]


app = rota.Manager("redis://localhost", lifespan=lifespan)


@app.job
async def ping(ctx: rota.Context, path: str) -> int:
    assert_type(ctx.resource(Http), Http)
    return 1


with app, app.worker(concurrency=4) as w:
    w.drain(timeout=5)
    assert_type(ping.schedule("/").result(5), int)

# 10 frozen
one = add.schedule(1)
one.state = rota.State.CANCELED  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]  # BAD
print(make, direct, done, failed, wrong, render)
