/** What the proxy answers to a command that may not go where it wants to: a status, a code, a sentence, a next step. */

const askPerson = "Tell the person what the command needs and why; they can allow the host";
const table = {
  network_request_invalid: [
    400,
    "the proxy does not understand this request",
    "Ask for a whole http:// URL, or CONNECT to a host and a port",
  ],
  network_host_denied: [
    403,
    "the rules of this machine deny this host",
    "Do without it: no answer of a person changes that; only the configuration does",
  ],
  network_host_unlisted: [
    403,
    "the host is on no list of what commands may reach, and nobody may be asked now",
    `${askPerson} under \`domains\` in the permissions`,
  ],
  network_host_declined: [
    403,
    "a person did not allow this host",
    "Go on without it, or ask them what to do instead",
  ],
  network_host_unanswered: [
    403,
    "nobody answered in time whether this host may be reached",
    `${askPerson} when the command runs again`,
  ],
  network_address_local: [
    403,
    "the host is this machine or lies in its own network",
    "Allow it under `domains` by its address or as `localhost`, or set `allow_local_binding`",
  ],
  network_method_refused: [
    403,
    "only GET, HEAD and OPTIONS over plain http are let through",
    'Set `mode = "full"` for the network to send more, or to use https',
  ],
  network_unreachable: [
    502,
    "the host did not answer",
    "Look at the name and the port, and try again later",
  ],
} as const;

export type RefusalCode = keyof typeof table;

export class NetworkRefusal extends Error {
  override readonly name = "NetworkRefusal";
  readonly code: RefusalCode;
  readonly status: number;

  constructor(code: RefusalCode, cause?: unknown) {
    const [status, sentence, step] = table[code];
    super(`${code}: ${sentence}. ${step}.`, { cause });
    this.code = code;
    this.status = status;
  }
}

/** Every code with its status. */
export const networkRefusals: readonly (readonly [code: string, status: number])[] = Object.entries(
  table,
).map(([code, [status]]) => [code, status]);

/** As clients of other proxies of this kind know it. */
const older: Readonly<Record<RefusalCode, string>> = {
  network_request_invalid: "blocked-by-policy",
  network_host_denied: "blocked-by-denylist",
  network_host_unlisted: "blocked-by-allowlist",
  network_host_declined: "blocked-by-allowlist",
  network_host_unanswered: "blocked-by-allowlist",
  network_address_local: "blocked-by-allowlist",
  network_method_refused: "blocked-by-method-policy",
  network_unreachable: "unreachable",
};

/** Programs show the reason of a refused tunnel, and seldom its body. */
export function refusalParts({ code, status, message }: NetworkRefusal): {
  readonly status: number;
  readonly reason: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
} {
  const body = `${message}\n`;
  return {
    status,
    reason: code,
    headers: {
      "content-type": "text/plain; charset=utf-8",
      "content-length": String(Buffer.byteLength(body)),
      "x-proxy-error": older[code],
      connection: "close",
    },
    body,
  };
}
