"""A worker's inside: assembles loops, slots and executors, starts them and stops them."""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Condition
from typing import Any, Final, cast

from rota.jobs.definition import Definition
from rota.jobs.running import CURRENT
from rota.model.errors import StoreError, StoreUnavailable
from rota.model.records import WorkerRecord
from rota.model.state import State
from rota.runtime.attempt import Surroundings
from rota.runtime.audit import Audit
from rota.runtime.dispatcher import Dispatcher
from rota.runtime.executors.event_loop import EventLoopExecutor
from rota.runtime.heartbeat import Heartbeat
from rota.runtime.identity import Identity
from rota.runtime.in_flight import InFlight
from rota.runtime.job_log import CaptureHandler
from rota.runtime.lifespan import Lifespan
from rota.runtime.maintenance import Maintenance
from rota.runtime.outside import Outside
from rota.runtime.processors import ProcessorChain, ProcessorQueue, ProcessorThread
from rota.runtime.settings import ConsumerSettings
from rota.runtime.slots import Slots
from rota.runtime.supervise import Loop
from rota.runtime.verdict import Judge
from rota.store.contract import Store

__all__ = ["Consumer"]

_log = logging.getLogger("rota.worker")

_LISTEN_S: Final = 1.0  # for jobs that are asked to end at a stop
_FLUSH_S: Final = 10.0
_JOIN_S: Final = 5.0
_LOOK_S: Final = 0.05


class Consumer:
    """One run of a worker, from `start` to `stop`; made anew for each."""

    def __init__(self, settings: ConsumerSettings) -> None:
        environment = settings.environment
        clock, rng = environment.clock, environment.rng
        self._settings = settings
        self._max_bytes = self._store().capabilities.max_payload_bytes
        self._definitions = dict(settings.definitions)
        self._judges = {kind: self._judge(definition) for kind, definition in self._definitions.items()}
        self._kinds: Sequence[str] = sorted(self._definitions)
        self._stopping = False
        self._clock = clock
        self._identity = Identity(environment.ids.one)
        self._slots = Slots(settings.concurrency, clock)
        outside = Outside(self._max_bytes, settings.client_terms, settings.lifespan)
        self._in_flight = InFlight(self._definitions, self._judges, self._slots, clock, outside, self._processors())
        for name in {"thread", "asyncio", *(one.executor for one in self._definitions.values())}:
            self._in_flight.executors[name] = settings.executors(name)(self._in_flight)
        self._lifespan = Lifespan(settings.lifespan, self._in_loop)
        put_line, name = self._in_flight.outbox.put_line, self._identity.worker
        self._surroundings = Surroundings(settings.client, settings.source, clock, put_line, Condition(), {}, name)
        self._capture = CaptureHandler(self._surroundings)
        self._heartbeat = Heartbeat(
            self._store, self._identity, settings.lease_ms, self._info, self._in_flight.cancel, self._lost, self.resize
        )
        self._dispatcher = Dispatcher(
            self._store, self._identity, lambda: self._kinds, self._slots,
            lambda claims, results: self._in_flight.begin(claims, self._surroundings, results),
            self._in_flight.give_back, self._lost,
        )  # fmt: skip
        declared = [one for one in (settings.declared, settings.system) if one is not None]
        self._maintenance = Maintenance(self._store, declared, settings.rank, clock, rng)
        self._audit = Audit(self._identity, lambda: [one.claim.record.id for one in self._in_flight.held], clock)

        def loop(name: str, step: Callable[[], bool], interrupt: Callable[[], object] = bool) -> Loop:
            return Loop(name, step, clock, rng, interrupt)

        self._dispatching = loop("dispatcher", self._dispatcher.step, self._interrupt)
        self._settling = loop("settler", lambda: self._in_flight.outbox.step(self._store()))
        self._beating = loop("heartbeat", self._heartbeat.step, self._interrupt)
        self._maintaining = loop("maintenance", self._maintain)
        self._watching = loop("watchdog", self._in_flight.watchdog.step, self._in_flight.watchdog.wake)

    def _store(self) -> Store:
        return self._settings.connection.store

    def _processors(self) -> ProcessorQueue:
        return ProcessorThread()

    def _judge(self, definition: Definition) -> Judge:
        chain = ProcessorChain(definition, self._settings.processors)
        return Judge(chain, self._settings.environment.rng, self._max_bytes)

    # ---- life cycle --------------------------------------------------------------------------

    def start(self) -> None:
        """Enter the lifespan, become live in the store, and start the loops. What fails is undone and raised."""
        try:
            self._enter()
            for loop in self._loops:
                loop.start()
        except BaseException:
            self.stop(0.0)
            raise
        kinds, namespace = len(self._definitions), self._store().namespace
        _log.info("worker %s runs %d kinds of %r, %d at once", self.name, kinds, namespace, self._slots.limit)

    def _enter(self) -> None:
        for executor in self._in_flight.executors.values():
            executor.start()
        self._surroundings.resources = self._lifespan.enter()
        self._heartbeat.beat(0)
        self._store().put_kinds([one.descriptor() for one in self._definitions.values()])
        self._maintenance.reconcile(self._store())
        logging.getLogger().addHandler(self._capture)

    @property
    def _loops(self) -> tuple[Loop, ...]:
        return self._settling, self._beating, self._maintaining, self._watching, self._dispatching

    def stop(self, grace_s: float) -> None:
        """Claim no more, wait up to `grace_s` for what runs, ask the rest to end, release what does not."""
        self._stopping = True
        self._dispatching.stop()
        self._in_flight.give_back(self._slots.close())
        if running := self._slots.running:
            _log.info("worker %s stops: waiting up to %g s for %d running jobs", self.name, grace_s, running)
        if not self._slots.await_idle(grace_s):
            self._in_flight.interrupt(self._in_flight.held, "stopping")
            self._slots.await_idle(_LISTEN_S)
        if running := self._slots.running:
            _log.warning("worker %s leaves %d jobs unfinished: they go back to the queue", self.name, running)
        self._dispatching.join(_JOIN_S)
        self._in_flight.release_rest()
        self._in_flight.await_decisions(_JOIN_S)
        self._in_flight.outbox.close()
        self._settling.wake()  # out of a pause after a failure
        if not self._settling.join(_FLUSH_S):
            _log.warning(
                "the store does not answer: %d attempts stay unsettled, to be run again", len(self._in_flight.held)
            )
        for loop in self._loops:
            loop.stop()
        for loop in self._loops:
            loop.join(_JOIN_S)
        self._in_flight.processors.close(_JOIN_S)  # those that were told of the last commits
        self._leave()

    def hurry(self) -> None:
        """End a `stop` that waits for running jobs."""
        self._slots.hurry()

    def _leave(self) -> None:
        logging.getLogger().removeHandler(self._capture)
        try:
            self._lifespan.exit()
        except BaseException:  # noqa: BLE001 - the code of a user
            _log.exception("leaving the lifespan failed")
        for executor in self._in_flight.executors.values():
            executor.stop()
        try:
            self._store().retire(self._identity.worker)
        except StoreError as error:
            _log.warning("the store still counts this worker as live (%s): until its lease ends", error)

    # ---- what the loops call -----------------------------------------------------------------

    def _interrupt(self) -> None:
        with suppress(StoreError):  # there is nothing to be blocked in without a store
            self._store().interrupt(self._identity.worker)

    def _maintain(self) -> bool:
        self._audit.step(self._store())
        self._maintaining.pause(self._maintenance.step())
        return True

    def _lost(self, worker: str) -> None:
        """The lease ended and the worker was reaped: what it ran belongs to others; go on under a new id."""
        if not self._identity.renew(worker):
            return
        _log.warning("the worker %s lost its lease; going on as %s", worker, self._identity.worker)
        self._surroundings.worker = self._identity.worker
        self._in_flight.interrupt([one for one in self._in_flight.held if one.worker == worker], "lost")
        self._heartbeat.beat(0)

    def _info(self) -> WorkerRecord:
        declared, system = self._settings.declared, self._settings.system
        return WorkerRecord(
            id=self._identity.worker,
            kinds=tuple(self._kinds),
            concurrency=self._slots.limit,
            running=self._slots.running,
            owner=declared.owner if declared is not None else None,
            fingerprint=declared.fingerprint if declared is not None else None,
            revision=declared.revision if declared is not None else None,
            system=system.fingerprint if system is not None else None,
        )

    def _in_loop(self, coroutine: Any, timeout_s: float | None) -> Any:
        return cast(EventLoopExecutor, self._in_flight.executors["asyncio"]).call(coroutine, timeout_s)

    # ---- what the handle asks ----------------------------------------------------------------

    def runs_this_thread(self) -> bool:
        """True inside one of its jobs or processors, where waiting for the worker would be waiting for oneself."""
        inside = getattr(CURRENT.get(), "surroundings", None) is self._surroundings
        return inside or self._in_flight.processors.is_current

    @property
    def name(self) -> str:
        """The worker's present id."""
        return self._identity.worker

    @property
    def concurrency(self) -> int:
        """How many jobs it runs at once, also when a client has asked for another number."""
        return self._slots.limit

    def define(self, definition: Definition) -> None:
        """Run a job that was defined, or defined again, from the next claim on."""
        executors, name = self._in_flight.executors, definition.executor
        if name not in executors:
            executor = self._settings.executors(name)(self._in_flight)
            executor.start()
            executors[name] = executor
        self._judges[definition.kind] = self._judge(definition)
        self._definitions[definition.kind] = definition
        self._kinds = sorted(self._definitions)
        with suppress(StoreUnavailable):  # they are published again at the next start
            self._store().put_kinds([definition.descriptor()])
        self._interrupt()

    def resize(self, concurrency: int) -> None:
        """Another number of slots."""
        self._in_flight.resize(concurrency)

    def drain(self, timeout_s: float | None) -> bool:
        """Wait until nothing of its kinds is due or running anywhere; True when so."""
        clock, moved = self._clock, self._in_flight.moved
        deadline = None if timeout_s is None else clock.monotonic() + timeout_s
        while not self._drained():
            if self._stopping:  # nothing will run what is left
                return False
            left = _LOOK_S if deadline is None else min(_LOOK_S, deadline - clock.monotonic())
            if left <= 0:
                return False
            with moved:
                clock.wait(moved, left)
        return True

    def _drained(self) -> bool:
        if self._in_flight.held:
            return False
        store = self._store()
        found = store.stats(self._kinds)
        now_ms = store.now_ms()  # later than that: what went back to the queue by then is due
        return not any(
            stats.counts.get(State.PROCESSING)
            or (stats.oldest_due_ms is not None and stats.oldest_due_ms <= now_ms and not stats.paused)
            or (stats.held_back and not stats.paused)
            for stats in found
        )
