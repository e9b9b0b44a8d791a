// The socket: comes back by itself, and tells how it stands.

import { csrfToken } from "./session.js";

const SIGNED_OUT = 4401;
const NOT_YOURS = 4403;

export function connect({ version, onFrame, onOpen, onLost, onSignedOut }) {
  let socket = null;
  let tries = 0;
  let isOver = false;

  const open = () => {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    socket = new WebSocket(`${scheme}://${location.host}/socket`);
    socket.addEventListener("open", () => {
      socket.send(JSON.stringify({ t: "hello", csrf: csrfToken(), version }));
    });
    socket.addEventListener("message", (event) => {
      const frame = JSON.parse(event.data);
      if (frame.t === "room") {
        tries = 0;
        onOpen();
      }
      onFrame(frame);
    });
    socket.addEventListener("close", (event) => {
      socket = null;
      if (isOver) return;
      onLost();
      if (event.code === SIGNED_OUT || event.code === NOT_YOURS || tries >= 3) onSignedOut();
      const wait = Math.min(300 * 2 ** tries, 4000);
      tries += 1;
      setTimeout(() => isOver || socket || open(), wait);
    });
  };
  open();

  return {
    send(frame) {
      if (socket?.readyState !== WebSocket.OPEN) return false;
      socket.send(JSON.stringify(frame));
      return true;
    },
    close() {
      isOver = true;
      socket?.close();
    },
  };
}
