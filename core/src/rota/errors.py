"""The errors of rota, all of them; those that most programs catch are in `rota` itself too."""

from rota.model.errors import *  # noqa: F403  # pyright: ignore[reportWildcardImportFromLibrary]
from rota.model.errors import __all__ as __all__  # noqa: PLC0414
