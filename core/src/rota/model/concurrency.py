"""How many jobs a worker runs at once, as it is asked for."""

from rota.model.errors import ConfigError

__all__ = ["check_concurrency"]


def check_concurrency(value: int) -> int:
    """The number; ConfigError unless it is a whole one, 1 or more."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigError(f"concurrency must be a whole number, 1 or more; got {value!r}")
    return value
