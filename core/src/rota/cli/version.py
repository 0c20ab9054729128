"""`rota version`: what runs here."""

import platform

import click

from rota.cli.output import Format, output_option, write_record

__all__ = ["version", "versions"]


@click.command()
@output_option
def version(output: Format) -> None:
    """Show the version of rota-core and of Python."""
    write_record(versions(), output)


def versions() -> dict[str, str]:
    """The version of rota-core and of Python, by name."""
    from rota.plugins.loader import core_candidate

    return {"rota-core": core_candidate().version, "python": platform.python_version()}
