"""What all stores of a process on one file share: the database, the doorbell, the blocked calls."""

import os
from pathlib import Path
from typing import Final

from rota.store.blocking import Calls
from rota.store.doorbell import Doorbell
from rota_store_sqlite.database import Database
from rota_store_sqlite.location import Location

__all__ = ["Hub"]

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


class Hub:
    """One opened file. `boot` names the machine's present run: leases of another one have ended."""

    def __init__(self, location: Location) -> None:
        self.database = Database(location)
        self.doorbell = Doorbell(f"sqlite:{os.path.realpath(location.path)}", self.database.changed)
        self.calls = Calls(self.doorbell)
        self.boot = _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else ""

    def open(self) -> None:
        """Connect."""
        self.database.open()

    def close(self) -> None:
        """Let go of the file and the doorbell."""
        self.doorbell.close()
        self.database.close()
