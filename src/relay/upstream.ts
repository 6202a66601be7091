/** The WebSocket to the host: opened with a ticket, handed over as the bare connection under it. */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { Refused } from "../client/refused.ts";
import { Unreachable } from "../client/auth-calls.ts";
import { socketPath, subprotocol, ticketPrefix } from "../protocol/auth-api.ts";
import { bodyOf, start, unreachable, type PinnedHost } from "./pinned-host.ts";
import { acceptFor, newWebSocketKey } from "./websocket-handshake.ts";

const maxRefusalBytes = 4096;

export interface Upstream {
  readonly socket: Duplex;
  /** What came right behind the handshake. */
  readonly head: Buffer;
}

/** Rejects with `Refused` when the host said no, with `Unreachable` when something else answers. */
export async function openUpstream(host: PinnedHost, ticket: string): Promise<Upstream> {
  const key = newWebSocketKey();
  const request = start(host, `${host.origin}${socketPath}`, {
    method: "GET",
    headers: {
      connection: "Upgrade",
      upgrade: "websocket",
      origin: host.origin,
      "sec-websocket-version": "13",
      "sec-websocket-key": key,
      "sec-websocket-protocol": `${subprotocol}, ${ticketPrefix}${ticket}`,
    },
  });
  request.end();
  return new Promise((resolve, reject) => {
    request.once("error", (error) => reject(unreachable(error)));
    request.once("response", (response) => void refusedBy(response).then(reject, reject));
    request.once("upgrade", (response, socket, head) => {
      const { headers } = response;
      const agreed =
        headers["sec-websocket-accept"] === acceptFor(key) &&
        headers["sec-websocket-protocol"] === subprotocol &&
        headers["sec-websocket-extensions"] === undefined;
      if (agreed) return resolve({ socket, head });
      socket.destroy();
      reject(new Unreachable("The host's answer to the upgrade cannot be read."));
    });
  });
}

/** A refused upgrade says why as plain text. */
async function refusedBy(response: IncomingMessage): Promise<Error> {
  const text = (await bodyOf(response, maxRefusalBytes)).trim();
  const status = response.statusCode ?? 0;
  return new Refused(status, {
    code: "upgrade_refused",
    message: `The host refused the connection with HTTP status ${status}: ${printable(text) || "no reason"}`,
    nextStep: "Try again; if it goes on, look into the host's log.",
  });
}

/** Foreign text that reaches a terminal. */
const printable = (text: string): string => text.replaceAll(/[^\P{C}\n]/gu, "").slice(0, 500);
