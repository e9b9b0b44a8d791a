"""From a configuration to a world that stands ready."""
