"""From a URL to a client."""

import pytest
from core.tests.client.managers import fresh_url

from rota import ConfigError, Manager, PluginError, Query, connect


def test_store_url_gives_a_manager_without_jobs() -> None:
    """Enough to schedule by name and to look around."""
    url = fresh_url()
    with Manager(url) as manager, connect(url) as client:
        one = client.remote("mail").schedule("you")
        assert one == manager.get(one.id)
        assert 1 == client.count(Query(kind="mail"))


def test_configuration_says_the_url_when_the_caller_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for a manager."""
    url = fresh_url()
    monkeypatch.setenv("ROTA_STORE", url)
    with Manager(url) as manager, connect() as client:
        client.remote("mail").schedule()
        assert 1 == manager.count()


@pytest.mark.parametrize("ask", [connect, lambda url: Manager(url).count()], ids=["connect", "manager"])
def test_server_without_its_plugin_names_what_to_install(ask: object) -> None:
    """`rota://` is the address of a server; no secret of the URL is shown."""
    with pytest.raises(PluginError, match="rota-server") as refused:
        ask("rota://user:hidden@host:1234")  # type: ignore[operator]
    assert "hidden" not in str(refused.value)


@pytest.mark.parametrize("scheme", ["redis", "sqlite", "etcd"])
def test_store_without_its_plugin_names_what_to_install(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The distribution that brings the scheme."""
    monkeypatch.setenv("ROTA_PLUGIN_AUTOLOAD", "0")
    with pytest.raises(PluginError, match=f"rota-store-{scheme}"):
        connect(f"{scheme}://host/1").count()


@pytest.mark.parametrize("url", ["", "memory", "//host", "memory:/x"])
def test_what_is_no_url_is_refused(url: str) -> None:
    """At once."""
    with pytest.raises(ConfigError):
        connect(url)


def test_policy_of_the_queue_is_the_namespaces() -> None:
    """One who schedules by name ranks as the workers do, without being told how."""
    url = fresh_url()
    with Manager(url, policy="fifo") as manager, connect(url) as client:
        client.remote("mail").options(priority=9).schedule("first")
        client.remote("mail").options(priority=0).schedule("second")
        done: list[str] = []
        manager.job(kind="mail")(done.append)
        with manager.worker(concurrency=1) as worker:
            assert worker.drain(10)
    assert ["first", "second"] == done


def test_worker_may_leave_the_policy_to_the_namespace() -> None:
    """`policy=None`: the one that is there, the default where there is none."""
    url = fresh_url()
    with Manager(url, policy="fifo"), Manager(url, policy=None) as manager, manager.worker():
        assert 0 == manager.count()
