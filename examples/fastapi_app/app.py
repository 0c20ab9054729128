"""A web application that schedules jobs and awaits their results, without holding a thread for either."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID

from examples.fastapi_app.jobs import Summary, jobs, summarize
from fastapi import FastAPI, HTTPException, Query, Response
from pydantic import BaseModel

import rota
from rota.errors import UnknownInstance

manager = rota.Manager("memory://", name="reports", jobs=[jobs])


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Run a worker in this process for as long as the application runs."""
    async with manager, manager.worker(concurrency=8):
        yield


app = FastAPI(title="Reports", lifespan=lifespan)


class Order(BaseModel):
    """What is asked for."""

    text: str


class Ticket(BaseModel):
    """Where an order stands."""

    id: UUID
    state: str
    progress: float | None

    @classmethod
    def of(cls, instance: rota.Instance[Any]) -> "Ticket":
        """The ticket of an instance, as it was read."""
        return cls(id=instance.id, state=instance.state.value, progress=instance.progress)


@app.post("/reports", status_code=202)
async def order(order: Order, response: Response) -> Ticket:
    """Schedule a report; `Location` says where it will be."""
    instance = await summarize.aschedule(order.text)
    response.headers["Location"] = f"/reports/{instance.id}"
    return Ticket.of(instance)


@app.get("/reports/{id}", responses={202: {"model": Ticket}, 404: {}, 500: {}})
async def collect(id: UUID, response: Response, wait: Annotated[float, Query(ge=0, le=60)] = 10) -> Summary | Ticket:
    """The report, awaited up to `wait` seconds; 202 with its ticket when it is not ready then."""
    instance = await _instance(id)
    try:
        return await instance.aresult(wait)
    except TimeoutError:
        response.status_code = 202
        return Ticket.of(await instance.arefresh())
    except rota.JobError as error:
        raise HTTPException(500, f"the report ended without a result: {error}") from error


async def _instance(id: UUID) -> rota.Instance[Summary]:
    try:
        instance = await manager.aget(id)
    except UnknownInstance as error:
        raise HTTPException(404, "there is no such report") from error
    if instance.kind != summarize.kind:
        raise HTTPException(404, "there is no such report")
    return instance
