"""The two files that describe a run: read, typed, checked."""
