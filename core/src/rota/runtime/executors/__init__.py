"""The executors of core: threads for `def`, an event loop for `async def`."""
