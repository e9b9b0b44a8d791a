"""A model server: the OpenAI protocol under /v1, Ollama's under /api, with faults on demand."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

Asked = dict[str, Any]
Reply = Callable[[Asked], str]


@dataclass
class ModelWorld:
    """What the server knows, does wrong, and has heard.

    `faults` are used up one a request: a status, "cut" (half a body), "hang" (no answer for two
    seconds), "junk" (no JSON), "length" (the answer stops at its longest).
    """

    reply: Reply
    models: tuple[str, ...] = ("tiny",)
    key: str = ""
    delay_s: float = 0.0
    formats: tuple[str, ...] = ("json_schema", "json_object")
    refuses: tuple[str, ...] = ()  # Settings that are answered with an error.
    counts: bool = True  # Whether tokens are counted in answers.
    faults: list[int | str] = field(default_factory=list)
    heard: list[Asked] = field(default_factory=list)
    pulled: list[str] = field(default_factory=list)
    most_at_once: int = 0
    _now: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def enter(self) -> None:
        with self._lock:
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)

    def leave(self) -> None:
        with self._lock:
            self._now -= 1

    def fault(self) -> int | str | None:
        with self._lock:
            return self.faults.pop(0) if self.faults else None


class Handler(BaseHTTPRequestHandler):
    """Serves one connection."""

    world: ClassVar[ModelWorld]
    protocol_version = "HTTP/1.1"
    # Headers and body are two writes: without this the second waits 40 ms for the client's
    # delayed acknowledgement, which no server of models does.
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""

    def do_GET(self) -> None:
        if self.path == "/v1/models":
            if not self._is_known():
                return self._error(401, "wrong key")
            data = [{"id": m, "object": "model", "created": 0, "owned_by": "us"}
                    for m in self.world.models]  # fmt: skip
            return self._send(200, {"object": "list", "data": data})
        return self._send(200, {"models": [{"model": m, "name": m} for m in self.world.models]})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.world.enter()
        try:
            self._answer(asked)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            self.world.leave()

    def _answer(self, asked: Asked) -> None:
        world = self.world
        if self.path == "/api/pull":
            world.pulled.append(asked["model"])
            return self._send(200, {"status": "success"})
        world.heard.append(asked)
        if not self._is_known():
            return self._error(401, "Incorrect API key provided")
        if asked["model"] not in world.models:
            return self._error(404, f"model '{asked['model']}' not found")
        wanted = (asked.get("response_format") or {}).get("type")
        if wanted is not None and wanted not in world.formats:
            return self._error(400, f"response_format {wanted} is not supported")
        for name in world.refuses:
            if name in asked:
                return self._error(400, f"Unsupported parameter: '{name}' is not supported.")
        if world.delay_s:
            time.sleep(world.delay_s)
        fault = world.fault()
        if fault == "hang":
            time.sleep(2.0)
        if isinstance(fault, int):
            return self._error(fault, "a fault was asked for")
        if fault == "junk":
            return self._send_raw(200, b"<html>no JSON</html>", "application/json")
        text = world.reply(asked)
        content = (
            self._ollama(text, fault) if self.path == "/api/chat" else self._openai(text, fault)
        )
        if fault == "cut":
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2])
            self.close_connection = True
            return None
        return self._send_raw(200, content, "application/json")

    def _openai(self, text: str, fault: int | str | None) -> bytes:
        choice = {
            "index": 0, "finish_reason": "length" if fault == "length" else "stop",
            "message": {"role": "assistant", "content": text},
        }  # fmt: skip
        usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
        reply = {
            "id": "c1", "object": "chat.completion", "created": 0, "model": "tiny",
            "choices": [choice], "usage": usage if self.world.counts else None,
        }  # fmt: skip
        return json.dumps(reply).encode()

    def _ollama(self, text: str, fault: int | str | None) -> bytes:
        half = len(text) // 2
        chunks: list[dict[str, Any]] = [
            {"model": "tiny", "message": {"role": "assistant", "content": piece}, "done": False}
            for piece in (text[:half], text[half:])
        ]
        chunks.append({
            "model": "tiny", "message": {"role": "assistant", "content": ""}, "done": True,
            "done_reason": "length" if fault == "length" else "stop",
            **({"prompt_eval_count": 100, "eval_count": 20} if self.world.counts else {}),
        })  # fmt: skip
        return b"".join(json.dumps(chunk).encode() + b"\n" for chunk in chunks)

    def _is_known(self) -> bool:
        return not self.world.key or self.headers["Authorization"] == f"Bearer {self.world.key}"

    def _error(self, status: int, text: str) -> None:
        error: Any = text if self.path.startswith("/api") else {"message": text, "type": "error"}
        self._send(status, {"error": error})

    def _send(self, status: int, content: dict[str, Any]) -> None:
        self._send_raw(status, json.dumps(content).encode(), "application/json")

    def _send_raw(self, status: int, content: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def model_server(world: ModelWorld) -> Iterator[str]:
    """Serve a world; yields the server's URL."""
    handler = type("Handler", (Handler,), {"world": world})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
