"""The real data that ship with the scenarios, and the script that derives them."""
