"""The daemon: swarm, venue and watchdog as processes, and the commands that speak to them."""
