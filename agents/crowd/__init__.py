"""Background populations, as compiled rows and as Python actors."""
