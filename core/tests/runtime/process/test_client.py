"""What a job in a child asks of the store goes to the store of its worker, or is refused: never to another one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

#: A store that several processes seem to share: each has one of its own, and all write down what is enqueued where.
PLUGIN = """
import os
from rota.model.errors import UnsupportedFeature
from rota.plugins import StoreSpec, hookimpl
from rota_store_memory.store import open_store as open_memory
import msgspec

@hookimpl
def rota_stores():
    return [StoreSpec(("spool",), "spool:open_store", "for tests", "spool:///file")]

class Spool:
    def __init__(self, inner, url):
        self._inner, self._url = inner, url

    @property
    def capabilities(self):
        found = self._inner.capabilities
        return msgspec.structs.replace(found, features=found.features | {"multi_process"})

    def enqueue(self, records):
        with open(os.environ["SPOOL"], "a") as file:
            for one in records:
                where = f"{os.getpid()} {self._url.path} {self._inner.namespace}"
                file.write(f"{where} {one.kind} {one.parent is not None}\\n")
        return self._inner.enqueue(records)

    def __getattr__(self, name):
        return getattr(self._inner, name)

def open_store(url, *, namespace, clock):
    return Spool(open_memory("memory://", namespace=namespace, clock=clock), url)
"""

SHOP = """
import os, rota

jobs = rota.Jobs()
other = rota.Manager("spool:///other", namespace="aside")
process = rota.ProcessOptions()

@jobs.job
def ship(order: int) -> int:
    return order

@other.job
def note(order: int) -> int:
    return order

@jobs.job(executor=process)
def by_job(order: int) -> int:
    ship.schedule(order)
    return os.getpid()

@jobs.job(executor=process)
def by_context(ctx: rota.Context, order: int) -> int:
    ctx.client.remote("ship").schedule(order)
    return os.getpid()

@jobs.job(executor=process)
async def by_twin(order: int) -> int:
    await ship.aschedule(order)
    return os.getpid()

@jobs.job(executor=process)
def elsewhere(order: int) -> int:
    note.schedule(order)
    return os.getpid()
"""

APP = """
import sys, rota
from rota.model.clock import SystemClock
from rota_store_memory.store import open_store as open_memory
from shop import jobs, other
import shop

manager = rota.Manager({store}, namespace="shop", jobs=[jobs])

@manager.job(executor="process")
def by_manager(order: int) -> None:
    manager.schedule(shop.ship.call(order))

@manager.job(executor="process")
def by_own(order: int) -> None:
    shop.ship.schedule(order)

if __name__ == "__main__":
    {before}
    with manager, manager.worker(concurrency=1, kinds=["by_*", "elsewhere"]):
        one = manager[sys.argv[1]].schedule(7).join(60)
        print(one.error.message if one.error else one.outcome())
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """The folder of a program, with the plugin installed beside it."""
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "spool.py").write_text(PLUGIN)
    metadata = tmp_path / "spool-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: spool\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[rota]\nspool = spool\n")
    return tmp_path


def ran(program: Path, kind: str, store: str = '"spool:///main"', before: str = "pass") -> tuple[str, list[str]]:
    """What the job of `kind` came to, and what was enqueued by it, without its process."""
    (program / "app.py").write_text(APP.format(store=store, before=before))
    spool = program / "spool.txt"
    environ = {**os.environ, "SPOOL": str(spool), "PYTHONPATH": os.pathsep.join([str(program), *sys.path])}
    done = subprocess.run(
        [sys.executable, "app.py", kind],
        cwd=program,
        env=environ,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    lines = spool.read_text().splitlines() if spool.exists() else []
    return done.stdout.strip(), [line for line in lines if line.split()[3] != kind]


@pytest.mark.parametrize("kind", ["by_job", "by_context", "by_twin"])
def test_job_in_a_child_schedules_into_the_store_of_its_worker(program: Path, kind: str) -> None:
    """Same URL and namespace, from the child's own process, linked to the job that did it: also where the module of
    the job knows no manager."""
    child, enqueued = ran(program, kind)
    assert [f"{child} /main shop ship True"] == enqueued


def test_store_of_the_worker_is_meant_also_where_the_module_says_another(program: Path) -> None:
    """The worker was led to another store, as `rota run --store` does; the copy of the manager doesn't know."""
    said, enqueued = ran(program, "by_own", before='manager.use_store("spool:///led", namespace="led")')
    assert ("None", ["/led led ship True"]) == (said, [line.split(" ", 1)[1] for line in enqueued])


def test_job_of_another_manager_goes_to_that(program: Path) -> None:
    """As it does in a thread."""
    child, enqueued = ran(program, "elsewhere")
    assert [f"{child} /other aside note True"] == enqueued


@pytest.mark.parametrize("kind", ["by_job", "by_context", "by_own", "by_manager"])
def test_store_of_one_process_is_refused_in_a_child(program: Path, kind: str) -> None:
    """What a child put into a `memory://` of its own would be lost without a word."""
    said, _ = ran(program, kind, '"memory://"')
    assert "child" in said
    assert "use a store that processes share" in said


def test_store_given_as_an_object_is_refused_in_a_child(program: Path) -> None:
    """No other process can have it."""
    said, _ = ran(program, "by_context", 'open_memory("memory://", clock=SystemClock())')
    assert "given its store as an object" in said
