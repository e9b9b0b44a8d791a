"""Structured logs: a JSON object a line, with the chain of what it is about."""

import logging
import os
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, Final

import structlog

_BYTES: Final = 10_000_000
_FILES: Final = 5


class EventLog:
    """The log of one process: files of mode 0600 that replace each other."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        file = folder / f"{name}.jsonl"
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
        self._handler = RotatingFileHandler(file, maxBytes=_BYTES, backupCount=_FILES)
        self._logger = logging.getLogger(f"outcry.{name}.{os.getpid()}")
        self._logger.propagate = False
        self._logger.setLevel(logging.INFO)
        self._logger.addHandler(self._handler)
        self._log: Any = structlog.wrap_logger(
            self._logger,
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.JSONRenderer(sort_keys=True),
            ],
        )

    def event(self, event: str, text: str = "", chain: int = 0, **more: object) -> None:
        """Keep one event; `chain` is the envelope id at the root of its causes."""
        fields = {"text": text, **more}
        if chain:
            fields["chain"] = chain
        self._log.info(event, **fields)

    def close(self) -> None:
        """Give the file back."""
        self._logger.removeHandler(self._handler)
        self._handler.close()
