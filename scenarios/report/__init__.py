"""The page that a run leaves: one module for each part of it."""
