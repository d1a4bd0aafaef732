"""What asks us: the HTTP API and the pages."""
