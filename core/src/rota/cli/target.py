"""From `package.module:manager` to the manager, with errors that speak of the user's code alone."""

import importlib
import os
import sys
from traceback import extract_tb, print_exception
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING

import click

from rota.cli.group import EXIT_FAILED
from rota.model.errors import ConfigError, RotaError

if TYPE_CHECKING:
    from rota.manager.manager import Manager

__all__ = ["find_manager"]


def find_manager(target: str) -> "Manager":
    """Import the module and answer its manager.

    An error that the module's own code raises is shown from its first line in that code on, and exits with 1.
    Raises: ConfigError for a module or a name that leads to no manager; errors of rota as they are, after the
    line of the user's code that they came from.
    """
    from rota.manager.manager import Manager

    module_name, _, name = target.partition(":")
    module = _module(module_name)
    found = getattr(module, name, None)
    if isinstance(found, Manager):
        return found
    has = "nothing of that name" if found is None else f"a {type(found).__name__}"
    managers = sorted(key for key, value in vars(module).items() if isinstance(value, Manager))
    raise ConfigError(f"{target!r} must name a rota.Manager; {module_name} has {has}{_meant(name, managers)}")


def _module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except RotaError as error:
        _say_where(error)
        raise
    except Exception as error:
        if name.startswith("."):
            raise ConfigError(f"{name!r} must be the full name of a module, package.module") from error
        if isinstance(error, ModuleNotFoundError) and f"{name}.".startswith(f"{error.name}."):
            raise ConfigError(
                f"no module {name!r} in {os.getcwd()} or the Python path: is this the right folder?"
            ) from error
        print_exception(type(error), error, _from_the_module_on(error.__traceback__), file=sys.stderr)
        sys.exit(EXIT_FAILED)


def _from_the_module_on(frames: TracebackType | None) -> TracebackType | None:
    """Without the frames that lead there: this module's, and those of the import system."""
    ours = (__file__, importlib.__file__)
    while frames is not None:
        file = frames.tb_frame.f_code.co_filename
        if file not in ours and not file.startswith("<frozen importlib"):
            return frames
        frames = frames.tb_next
    return None


def _say_where(error: RotaError) -> None:
    """Name the user's line that the error came from: its message alone does not."""
    own = os.path.dirname(os.path.dirname(__file__))
    lines = [line for line in extract_tb(error.__traceback__) if not line.filename.startswith((own, "<frozen"))]
    if lines[1:]:  # the first is the import system's
        click.echo(f"{lines[-1].filename}, line {lines[-1].lineno}:", err=True)


def _meant(name: str, managers: list[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, managers, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; its managers: {', '.join(managers)}" if managers else ""
