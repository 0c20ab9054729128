"""The conversion rules by the sort of annotation; `rota.engine.convert` chooses among them."""
