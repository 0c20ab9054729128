"""Small plugin distributions, most of them broken on purpose, built and installed for real by the tests."""

from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["SOUND", "TROUBLED", "Project"]


@dataclass(frozen=True)
class Project:
    """A distribution with one entry point of group `rota`; `files` is module to source, beside the plugin's."""

    distribution: str
    plugin: str
    source: str
    version: str = "1.0"
    files: dict[str, str] = field(default_factory=dict)

    @property
    def package(self) -> str:
        """The package that it installs."""
        return self.distribution.replace("-", "_")

    def write(self, folder: Path) -> Path:
        """Write its source tree; where."""
        root = folder / self.distribution
        package = root / self.package
        package.mkdir(parents=True)
        (root / "pyproject.toml").write_text(
            '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
            f'[project]\nname = "{self.distribution}"\nversion = "{self.version}"\n'
            f'[project.entry-points.rota]\n{self.plugin} = "{self.package}.plugin"\n'
        )
        for name, source in {"__init__": "", "plugin": self.source, **self.files}.items():
            (package / f"{name}.py").write_text(source)
        return root


def stores(*schemes: str, more: str = "", package: str = "nowhere") -> str:
    """The source of a plugin with one store."""
    return (
        "from rota.plugins import StoreSpec, hookimpl\n@hookimpl\ndef rota_stores():\n"
        f"    return [StoreSpec(schemes={schemes!r}, factory='{package}.store:open_store', summary='a store',"
        f" url_example='{schemes[0]}://', {more})]\n"
    )


def commands(name: str) -> str:
    """The source of a plugin with one command that says its name."""
    return (
        "import click\nfrom rota.plugins import hookimpl\n@hookimpl\ndef rota_commands():\n"
        f"    @click.command({name!r}, help='Say the name.')\n"
        f"    def command():\n        click.echo('{name} of a plugin')\n"
        "    return [command]\n"
    )


_HEALTHY_STORE = """
import sys
print("the store's module is imported", file=sys.stderr)

class HealthyStore:
    def __init__(self, options, password, namespace, clock):
        self.said = (options, password, namespace, clock.now_ms())

def open_store(url, *, namespace, clock):
    return HealthyStore(url.options({"timeout": int}), url.password.reveal(), namespace, clock)
"""

_CYCLE = """
from rota.plugins import ProcessorSpec, hookimpl

@hookimpl
def rota_processors():
    return [ProcessorSpec("first", on_complete=print, after=("second",)),
            ProcessorSpec("second", on_complete=print, after=("first",))]
"""

_MISSPELT = "from rota.plugins import hookimpl\n@hookimpl\ndef rota_store():\n    return []\n"

_ARGUMENT = "from rota.plugins import hookimpl\n@hookimpl\ndef rota_stores(manager):\n    return []\n"

SOUND = (
    Project(
        "rota-healthy",
        "healthy",
        stores("healthy", package="rota_healthy", more="file=True"),
        version="2.1",
        files={"store": _HEALTHY_STORE},
    ),
    Project("rota-greet", "greet", commands("greet")),
)
"""Plugins with which nothing is wrong."""

TROUBLED = (
    *SOUND,
    Project("rota-import", "import", "import no_such_module_anywhere\n", version="1.2"),
    Project("rota-exit", "exit", "raise SystemExit('not today')\n"),
    Project("rota-twin-a", "twin", stores("twin", package="rota_twin_a")),
    Project("rota-twin-b", "twin", stores("twin", package="rota_twin_b"), version="4.0"),
    Project("rota-shared-a", "shared-a", stores("shared", package="rota_shared_a")),
    Project("rota-shared-b", "shared-b", stores("shared", package="rota_shared_b"), version="3.0"),
    Project("rota-future", "future", stores("future", "futures", more="api=99"), version="9.0"),
    Project("rota-misspelt", "misspelt", _MISSPELT),
    Project("rota-argument", "argument", _ARGUMENT),
    Project(
        "rota-nolib",
        "nolib",
        stores("nolib", "nolibs", more="requires='rota-nolib[client]'", package="rota_nolib"),
        files={"store": "import no_such_client_library\n"},
    ),
    Project(
        "rota-half",
        "half",
        stores("half", more="requires='rota-half[client]'", package="rota_half"),
        files={"store": "from rota_half.left_out import open_store\n"},
    ),
    Project("rota-clash", "clash", commands("version")),
    Project("rota-same-a", "same-a", commands("same")),
    Project("rota-same-b", "same-b", commands("same")),
    Project("rota-cycle", "cycle", _CYCLE),
)
"""One plugin for each way in which a plugin, or two together, can be wrong; and the sound ones among them."""
