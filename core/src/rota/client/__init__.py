"""The client of a store: scheduling, finding, controlling and waiting, without running anything."""
