"""The application as its users see it: with its own worker, and with its jobs run by the test."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import uuid4

import httpx
import pytest
from examples.fastapi_app import jobs
from examples.fastapi_app.app import app, manager
from examples.fastapi_app.jobs import summarize

from rota.testing import harness

_REPORT = {"words": 3, "most_frequent": "to"}


@asynccontextmanager
async def _client() -> AsyncIterator[httpx.AsyncClient]:
    """A browser, without a network."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://reports") as client:
        yield client


def _with_worker(story: Callable[[httpx.AsyncClient], Awaitable[None]]) -> None:
    """Run a story beside the application as it is: its lifespan, its manager, its worker."""

    async def main() -> None:
        async with app.router.lifespan_context(app), _client() as client:
            await story(client)

    asyncio.run(main())


async def _order(client: httpx.AsyncClient, text: str) -> str:
    """Order a report; where it will be."""
    answer = await client.post("/reports", json={"text": text})
    assert (202, "scheduled") == (answer.status_code, answer.json()["state"])
    return answer.headers["Location"]


def test_a_report_is_ordered_and_collected() -> None:
    """The second request awaits what the first one scheduled."""

    async def story(client: httpx.AsyncClient) -> None:
        answer = await client.get(await _order(client, "to be to"))
        assert (200, _REPORT) == (answer.status_code, answer.json())

    _with_worker(story)


def test_a_hundred_are_awaited_at_once() -> None:
    """Each request gets its own."""

    async def story(client: httpx.AsyncClient) -> None:
        places = await asyncio.gather(*(_order(client, "word " * number) for number in range(1, 101)))
        answers = await asyncio.gather(*(client.get(place) for place in places))
        assert list(range(1, 101)) == [answer.json()["words"] for answer in answers]

    _with_worker(story)


def test_one_that_is_not_ready_says_where_it_stands() -> None:
    """202 once the wait is over; it is collected when it is there."""

    async def story(client: httpx.AsyncClient) -> None:
        await manager.apause(summarize.kind)
        place = await _order(client, "to be to")
        answer = await client.get(place, params={"wait": 0.01})
        assert (202, "scheduled") == (answer.status_code, answer.json()["state"])
        await manager.aresume(summarize.kind)
        assert 200 == (await client.get(place)).status_code

    _with_worker(story)


@pytest.mark.parametrize(("path", "status"), [(f"/reports/{uuid4()}", 404), ("/reports/17", 422)])
def test_one_that_was_never_ordered_is_not_found(path: str, status: int) -> None:
    """404; 422 for what is no id."""

    async def story(client: httpx.AsyncClient) -> None:
        assert status == (await client.get(path)).status_code

    _with_worker(story)


def test_one_that_failed_says_why() -> None:
    """With what the job raised."""

    async def story(client: httpx.AsyncClient) -> None:
        answer = await client.get(await _order(client, "..."))
        assert 500 == answer.status_code
        assert "has no words" in answer.json()["detail"]

    _with_worker(story)


def test_a_report_that_fails_once_is_there_half_a_minute_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the harness the test says what runs, and when: no worker, no waiting."""
    findall, failures = jobs.re.findall, [OSError("the dictionary is locked")]

    def fails_once(pattern: str, text: str) -> list[str]:
        if failures:
            raise failures.pop()
        return findall(pattern, text)

    monkeypatch.setattr(jobs.re, "findall", fails_once)

    async def main() -> None:
        async with harness(manager) as kit, _client() as client:
            place = await _order(client, "to be to")
            assert [summarize.kind] == [one.kind for one in kit.scheduled()]
            await kit.adrain()
            assert 202 == (await client.get(place, params={"wait": 0})).status_code
            await kit.aadvance(30)
            assert _REPORT == (await client.get(place)).json()

    asyncio.run(main())
