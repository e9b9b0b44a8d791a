"""The composition root: configuration, runner, command line and the shipped scenarios."""
