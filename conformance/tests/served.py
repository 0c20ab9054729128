"""A memory store behind a socket: what several processes can share, and whose connections can be cut."""

import tempfile
import threading
from contextlib import suppress
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any, cast

from msgspec.structs import replace

from rota.model.clock import Clock, SystemClock
from rota.model.errors import RotaError, StoreUnavailable
from rota.store.contract import Store, StoreCapabilities
from rota.store.url import StoreURL
from rota_conformance.harness import StoreHarness
from rota_store_memory.hub import hub_of
from rota_store_memory.store import MemoryStore

__all__ = ["ServedHarness", "ServedStore", "Server"]


class Server:
    """Serves namespaces of one memory store, on the clock of this process; a thread for each connection."""

    store_type: type[MemoryStore] = MemoryStore

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="rota-served-")
        self.address = str(Path(self._folder.name) / "socket")
        self._hub = hub_of(StoreURL.parse("memory://"))
        self._listener = Listener(self.address, backlog=64)
        self._connections: set[Connection] = set()
        self._threads: list[threading.Thread] = []
        self._closing = False
        self._start(self._accept)

    def _start(self, target: Any, *args: Any) -> None:
        thread = threading.Thread(target=target, args=args, name="rota-served")
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._closing:
            connection = self._listener.accept()
            self._connections.add(connection)
            self._start(self._serve, connection)

    def _serve(self, connection: Connection) -> None:
        stores: dict[tuple[str, str], Store] = {}
        with suppress(EOFError, OSError), connection:
            while True:
                client, namespace, operation, args, options = connection.recv()
                if (client, namespace) not in stores:
                    stores[client, namespace] = self.store_type(self._hub, namespace, SystemClock(), client)
                store = stores[client, namespace]
                try:
                    answer = True, getattr(store, operation)(*args, **options)
                except RotaError as error:
                    answer = False, error
                connection.send(answer)
        self._connections.discard(connection)

    def drop(self) -> None:
        """Cut all connections."""
        for connection in list(self._connections):
            with suppress(OSError):
                _shut_down(connection)

    def close(self) -> None:
        """Serve nobody any more."""
        self._closing = True
        with suppress(OSError), Client(self.address):
            pass
        self.drop()
        for thread in self._threads:
            thread.join(10)
        self._listener.close()
        self._folder.cleanup()


def _shut_down(connection: Connection) -> None:
    """End both directions, so that whoever reads wakes up; closing alone would leave them blocked."""
    import os
    import socket

    with socket.socket(fileno=os.dup(connection.fileno())) as ended:
        ended.shutdown(socket.SHUT_RDWR)


class ServedStore:
    """A client: one connection a thread, made again when it was cut."""

    def __init__(self, address: str, namespace: str) -> None:
        self.namespace = namespace
        self._address = address
        self._name = f"client-{id(self)}"
        self._local = threading.local()
        self._connections: set[Connection] = set()

    @property
    def capabilities(self) -> StoreCapabilities:
        """Those of the memory store, on the server's clock, for several processes."""
        from rota_store_memory.store import _CAPABILITIES

        return replace(_CAPABILITIES, clock="server", features=_CAPABILITIES.features | {"multi_process"})

    def namespaced(self, namespace: str) -> "ServedStore":
        """Another namespace of the same server."""
        return ServedStore(self._address, namespace)

    def open(self) -> None:
        """Connect."""
        self._call("open")

    def close(self) -> None:
        """Wake the blocked, and cut the connections."""
        with suppress(StoreUnavailable):
            self._call("close")
        for connection in list(self._connections):
            self._connections.discard(connection)
            connection.close()
        self._local = threading.local()

    def __getattr__(self, operation: str) -> Any:
        return lambda *args, **options: self._call(operation, *args, **options)

    def _call(self, operation: str, *args: Any, **options: Any) -> Any:
        connection = None
        try:
            connection = self._connection()
            connection.send((self._name, self.namespace, operation, args, options))
            done, answer = connection.recv()
        except (OSError, EOFError) as error:
            if connection is not None:
                self._connections.discard(connection)
                connection.close()
            self._local.connection = None
            raise StoreUnavailable("the server of the memory store does not answer") from error
        if not done:
            raise answer
        return answer

    def _connection(self) -> Connection:
        found = getattr(self._local, "connection", None)
        if found is None or found.closed:
            found = self._local.connection = cast(Connection, Client(self._address))
            self._connections.add(found)
        return found


class ServedHarness(StoreHarness):
    """Without an address it is the server, too; with one, as in a child process, it is a client of it."""

    server_type = Server

    def __init__(self, url: str | None = None) -> None:
        self._server = None if url else self.server_type()
        super().__init__(url or (self._server.address if self._server else None))

    def open(self, namespace: str, clock: Clock) -> Store:
        """A client."""
        store = ServedStore(self.url, namespace)
        store.open()
        return cast(Store, store)

    def drop_connections(self) -> bool:
        """Cut them all."""
        if self._server is None:
            return False
        self._server.drop()
        return True

    def close(self) -> None:
        """End the server."""
        if self._server is not None:
            self._server.close()
