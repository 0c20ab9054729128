"""Managers come and go: opened, closed, reopened, forked, moved to another store; policies and namespaces hold."""

import os
import sys
from subprocess import run

import pytest
from core.tests.client.managers import Watched, fresh_url, managed, working

from rota import ConfigError, Every, Manager, PluginError, Query


def work(n: int = 0) -> int:
    """A job."""
    return n


def test_private_memory_store_lives_as_long_as_its_manager() -> None:
    """Closing lets go of a connection, not of what is stored."""
    manager = Manager("memory://")
    job = manager.job(work)
    with manager:
        one = job.schedule(1)
    with manager:
        assert [one] == list(manager.find())
    assert one == one.refresh()
    manager.close()
    manager.close()


def test_two_private_memory_stores_are_two() -> None:
    """Only a name is shared."""
    with Manager("memory://") as first, Manager("memory://") as second:
        first.job(work).schedule()
        assert (1, 0) == (first.count(), second.count())


def test_instance_outlives_its_connection() -> None:
    """The next question connects anew."""
    with Manager("memory://") as manager:
        one = manager.job(work).schedule()
    assert one.cancel()
    manager.close()


def test_with_connects_and_imports_at_once() -> None:
    """What is wrong shows at the start, not at the first job."""
    with pytest.raises(ConfigError, match="no_such_module"), Manager("memory://", jobs=["no_such_module:jobs"]):
        pass


_FORKED = """
import os, rota

def work(): ...

manager = rota.Manager("memory://")
job = manager.job(work)
job.schedule()
parents = manager._store
child = os.fork()
if child == 0:
    anew = manager._store is not parents
    with manager:
        job.schedule()
        os._exit(7 if (anew, manager.count()) == (True, 1) else 1)
_, status = os.waitpid(child, 0)
print(os.waitstatus_to_exitcode(status), manager._store is parents, manager.count())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_forked_child_connects_anew() -> None:
    """Two processes must not speak on one connection; the parent goes on as before."""
    done = run([sys.executable, "-c", _FORKED], capture_output=True, text=True, timeout=30, check=False)
    assert ("7 True 1\n", "") == (done.stdout, done.stderr)


def test_use_store_goes_over_to_another() -> None:
    """Jobs stay; what was published by the old store's workers is asked anew."""
    first, second = fresh_url(), fresh_url()
    with Manager(first) as there, Manager(second) as here:
        manager = Manager(first)
        job = manager.job(work)
        job.schedule()
        manager.use_store(second, namespace="n")
        job.schedule()
        manager.use_store(second, namespace="default")
        job.schedule()
        assert (1, 1, 1) == (there.count(), here.count(), here.namespaced("n").count())
        manager.close()
    with pytest.raises(ConfigError, match="namespace"):
        manager.use_store(first, namespace="a b")


# ---- namespaces -------------------------------------------------------------------------------------


def test_namespaces_never_see_each_other() -> None:
    """Instances, ids, rules, pauses: each has its own."""
    with managed() as manager:
        job, other = manager.job(work), manager.namespaced("other")
        one = job.schedule()
        other["work"].schedule()
        manager.put_schedule("r", Every(60), job.call())
        manager.pause("work")
        assert (1, 1, [], 0) == (manager.count(), other.count(), other.schedules(), other.count(Query(ids=[one.id])))
        assert 1 == other.cancel(Query())
        assert 1 == manager.count(Query(state=one.state))


def test_namespaced_manager_shares_jobs_and_connection() -> None:
    """Also those that are declared later; one connection is made."""
    store = Watched.memory()
    with Manager(store) as manager:
        other = manager.namespaced("other")
        manager.job(work)
        assert ["work"] == list(other)
        other.count()
        assert 1 == [name for name, _ in store.asked].count("open")
        with other:
            pass
        assert 0 == [name for name, _ in store.asked].count("close")
        assert 0 == manager.count()


def test_worker_of_a_namespaced_manager_runs_what_is_there() -> None:
    """And nothing of the others."""
    manager = Manager("memory://")
    manager.job(work)
    with manager:
        other = manager.namespaced("other")
        left, one = manager["work"].schedule(1), other["work"].schedule(2)
        with other.worker(concurrency=1) as worker:
            assert worker.drain(10)
            assert 2 == one.result(0)
        assert "scheduled" == left.refresh().state.value


@pytest.mark.parametrize("namespace", ["", "a b", "x" * 101])
def test_impossible_namespace_is_refused(namespace: str) -> None:
    """As in the constructor."""
    with pytest.raises(ConfigError, match="namespace"):
        Manager("memory://").namespaced(namespace)


# ---- policies ---------------------------------------------------------------------------------------


def test_namespace_keeps_one_policy() -> None:
    """Ranks of two policies don't compare; the message says both and the way out."""
    url = fresh_url()
    with Manager(url, policy="fifo") as first:
        first.count()
        second = Manager(url)
        with pytest.raises(ConfigError, match=r"'default'.*'fifo'.*'priority'.*policy='fifo'"):
            second.count()
        with Manager(url, namespace="other") as elsewhere:
            assert 0 == elsewhere.count()


def test_unknown_policy_is_refused_and_recorded_nowhere() -> None:
    """A typing error must not spoil a namespace."""
    url = fresh_url()
    with Manager(url) as keeper:
        for use in (lambda m: m.count(), lambda m: m.__enter__(), lambda m: m.job(work).schedule()):
            with pytest.raises(PluginError, match="frist-in"):
                use(Manager(url, policy="frist-in", namespace="fresh"))
        assert 0 == keeper.namespaced("fresh").count()


def test_options_of_a_policy_are_part_of_it() -> None:
    """Ranks by another ageing don't compare either; the order of options and their spelling don't count."""
    url = fresh_url()
    with Manager(url, policy="priority?ageing=6%30") as first:
        first.count()
        assert 0 == Manager(url, policy="priority?ageing=60").count()
        for other in ("priority", "priority?ageing=61"):
            with pytest.raises(ConfigError, match=r"'priority\?ageing=60'.*policy='priority\?ageing=60'"):
                Manager(url, policy=other).count()


@pytest.mark.parametrize("policy", ["priority?agein=60", "priority?ageing=soon", "fifo?ageing=60"])
def test_policy_with_an_impossible_option_is_recorded_nowhere(policy: str) -> None:
    """A typing error must not spoil a namespace."""
    url = fresh_url()
    with Manager(url, namespace="other") as keeper:
        keeper.count()
        with pytest.raises(ConfigError, match="takes:"):
            Manager(url, policy=policy).count()
        assert 0 == Manager(url).count()


def test_namespaced_manager_has_the_policy_of_its_base() -> None:
    """And records it there."""
    url = fresh_url()
    with Manager(url, policy="fifo") as fifo:
        fifo.namespaced("other").count()
        with pytest.raises(ConfigError, match="'other'"):
            Manager(url, namespace="other").count()


def test_repr_names_the_manager() -> None:
    """Without importing or connecting anything."""
    manager = Manager("memory://", name="shop", jobs=["no_such_module:jobs"])
    manager.job(work)
    assert ("<Manager shop of 1 jobs>", "<Manager of 0 jobs>") == (repr(manager), repr(Manager("memory://")))


def test_many_threads_may_begin_to_use_a_manager() -> None:
    """One connection, however many come first."""
    from concurrent.futures import ThreadPoolExecutor

    store = Watched.memory()
    with Manager(store) as manager, ThreadPoolExecutor(8) as pool:
        job = manager.job(work)
        manager.close()
        store.asked.clear()
        made = list(pool.map(lambda n: job.schedule(n).id, range(100)))
        assert (100, 1) == (len(set(made)), [name for name, _ in store.asked].count("open"))


def test_plugins_are_loaded_once_for_all_views(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking for entry points takes time."""
    from rota.plugins.host import PluginHost

    loads: list[object] = []
    load = PluginHost.load
    monkeypatch.setattr(PluginHost, "load", lambda environ: loads.append(environ) or load(environ))
    with working(Manager("memory://")) as manager:
        manager.namespaced("a").count()
        manager.namespaced("b").count()
    assert 1 == len(loads)
