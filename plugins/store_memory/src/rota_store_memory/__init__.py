"""The memory store of rota: one process, every instance in RAM. `store.open_store` opens one."""
