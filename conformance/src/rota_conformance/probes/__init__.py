"""Processes that use the store under test, to be raced, killed and stopped by tests."""

from rota_conformance.probes.probe import Probe

__all__ = ["Probe"]
