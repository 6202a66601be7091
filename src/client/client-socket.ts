/** What the client needs of a WebSocket. Browsers and `ws` are fitted to it in a few lines by the caller. */
export interface ClientSocket {
  send(text: string): void;
  close(code: number, reason: string): void;
}

export interface SocketListener {
  opened(): void;
  received(text: string): void;
  /** Once, also when the socket never opened. */
  closed(code: number, reason: string): void;
}

export type OpenSocket = (
  url: string,
  protocols: readonly string[],
  listener: SocketListener,
) => ClientSocket;
