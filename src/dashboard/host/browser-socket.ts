import type { OpenSocket } from "../../client/client-socket.ts";

export const openBrowserSocket: OpenSocket = (url, protocols, listener) => {
  const socket = new WebSocket(url, [...protocols]);
  socket.addEventListener("open", () => listener.opened());
  socket.addEventListener("message", ({ data }) => {
    if (typeof data === "string") listener.received(data);
  });
  socket.addEventListener("close", ({ code, reason }) => listener.closed(code, reason));
  return {
    send: (text) => socket.send(text),
    close: (code, reason) => socket.close(code, reason),
  };
};
