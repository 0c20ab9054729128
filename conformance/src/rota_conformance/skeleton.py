"""The skeleton of a store plugin: everything but the store itself.

That is five primitives to fill in, or the whole contract, made from the contract as it is now.
"""

import inspect
import re
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any, Final

from rota.model.errors import ConfigError
from rota.store.contract import Store

__all__ = ["write_skeleton"]

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)+")
_TEMPLATES: Final = {
    "pyproject.toml": "pyproject.toml.txt",
    "README.md": "README.md.txt",
    "src/$package/__init__.py": "init.py.txt",
    "src/$package/plugin.py": "plugin.py.txt",
    "src/$package/py.typed": None,
    "tests/test_conformance.py": "test_conformance.py.txt",
}
_ON_PRIMITIVES: Final = {
    **_TEMPLATES,
    "src/$package/store.py": "store.py.txt",
    "tests/test_primitives.py": "test_primitives.py.txt",
}
_WHOLE: Final = {**_TEMPLATES, "src/$package/store.py": "whole_store.py.txt"}
_OF_PRIMITIVES: Final = {
    "dependency": "",
    "next": "Write `read` and `commit` in `src/$package/store.py`; `pytest tests/test_primitives.py` tries them",
}
_OF_WHOLE: Final = {
    "dependency": '\n    "rota-store-memory",  # goes once nothing is delegated to it any more',
    "next": "Replace the operations in `src/$package/store.py` one by one; `-- -k claim -x` runs a part of the suite",
}


def write_skeleton(name: str, into: Path, *, whole: bool = False) -> Path:
    """Write the project `name` as a new folder of `into`; the folder.

    Its store is an `OrderedKV` without its primitives; with `whole` a `Store` that hands every operation on to the
    memory store. Raises: ConfigError for a name that is none, and when the folder is there already.
    """
    if _NAME.fullmatch(name) is None:
        raise ConfigError(f"a distribution is named like rota-store-acme, in small letters with dashes; got {name!r}")
    folder = into / name
    if folder.exists():
        raise ConfigError(f"{folder} is there already; choose another name or another folder")
    scheme = name.rpartition("-")[2]
    values = {
        "name": name,
        "package": name.replace("-", "_"),
        "scheme": scheme,
        "title": scheme.capitalize(),
        "version": _core_version(),
        "operations": _operations(),
    }
    values |= {key: Template(text).substitute(values) for key, text in (_OF_WHOLE if whole else _OF_PRIMITIVES).items()}
    for target, template in (_WHOLE if whole else _ON_PRIMITIVES).items():
        path = folder / Template(target).substitute(values)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("" if template is None else _filled(template, values), "utf-8")
    return folder


def _filled(template: str, values: dict[str, str]) -> str:
    text = (files("rota_conformance") / "skeletons" / template).read_text("utf-8")
    return Template(text).substitute(values)


def _core_version() -> str:
    try:
        return version("rota-core")
    except PackageNotFoundError:  # run from a source tree that is not installed
        return "0"


def _operations() -> str:
    """A method for each operation of the contract that delegates to the memory store."""
    own = {"capabilities", "namespace", "namespaced"}
    methods = [(name, one) for name, one in vars(Store).items() if inspect.isfunction(one) and not name.startswith("_")]
    return "\n".join(_operation(name, method) for name, method in methods if name not in own)


def _operation(name: str, method: Any) -> str:
    parameters = list(inspect.signature(method).parameters.values())
    shown = [str(one.replace(annotation="Any")).replace(": 'Any'", ": Any") for one in parameters[1:]]
    keyword_only = next((n for n, one in enumerate(parameters[1:]) if one.kind is one.KEYWORD_ONLY), None)
    if keyword_only is not None:
        shown.insert(keyword_only, "*")
    passed = [one.name if one.kind is not one.KEYWORD_ONLY else f"{one.name}={one.name}" for one in parameters[1:]]
    head = (inspect.getdoc(method) or "").split("\n", 1)[0].split(". ", 1)[0].rstrip(".:")
    return (
        f"    def {name}({', '.join(['self', *shown])}) -> Any:\n"
        f'        """{head}."""\n'
        f"        return self._delegate.{name}({', '.join(passed)})\n"
    )
