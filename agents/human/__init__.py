"""The agent that asks people, and the panel where they answer."""
