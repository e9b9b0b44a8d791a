"""What a run leaves behind: journal, tape, manifest and tables."""
