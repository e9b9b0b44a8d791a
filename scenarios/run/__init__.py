"""Running a world to its end, replaying it, and what came out."""
