"""What Quartier leans on: the event store, the vault, settings, workers, the command line."""
