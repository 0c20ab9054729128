"""The contract as plainly as it can be written down: what every store is compared with, step by step.

Lists and dictionaries, sorted when asked; no index, no lock, no thread, and no code of any store. It may be as slow as
it likes.
"""

from rota_conformance.model.store import ReferenceStore

__all__ = ["ReferenceStore"]
