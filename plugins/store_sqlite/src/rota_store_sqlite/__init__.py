"""The SQLite store of rota: one file, durable, for the processes of one machine. `store.open_store` opens one."""
