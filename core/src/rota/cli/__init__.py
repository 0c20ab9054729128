"""The command `rota`: one file a subcommand; `main` is the entry point."""
