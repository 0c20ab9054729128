"""A queue policy for rota: waiting weighs by kind."""
