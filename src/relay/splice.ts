import type { Duplex } from "node:stream";

/** When one side has said its last word, the other one has this long for its own. */
const lingerMs = 5_000;

/**
 * Passes the bytes of two connections on to each other until both are closed. At most a few buffers of each
 * direction wait here: a side that reads slowly makes the other one wait.
 */
export function splice(near: Duplex, far: Duplex): Promise<void> {
  return new Promise((resolve) => {
    const open = new Set([near, far]);
    let timer: NodeJS.Timeout | undefined;
    const linger = (): void => {
      timer ??= setTimeout(() => {
        near.destroy();
        far.destroy();
      }, lingerMs);
    };
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      socket.on("end", linger);
      // What an error means is told by the close that follows.
      socket.on("error", linger);
      socket.once("close", () => {
        linger();
        other.end();
        open.delete(socket);
        if (open.size > 0) return;
        clearTimeout(timer);
        resolve();
      });
      socket.pipe(other);
    }
  });
}
