"""Frozen data that every floor above shares; imports nothing of rota."""
