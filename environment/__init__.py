"""The world that agents live in: actors, market, feeds and record."""
