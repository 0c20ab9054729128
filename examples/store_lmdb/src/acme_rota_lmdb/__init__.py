"""A store for rota on LMDB."""
