/** What the host tells of itself, of access to it, and to one connection alone. */
import { z } from "zod";
import { notification } from "./define.ts";
import { Pairing } from "./pairing.ts";

/** Output of a `command/exec` of this connection. `capReached`: the stream's last piece, cut by `outputBytesCap`. */
export const commandExecOutputDelta = notification({
  name: "command/exec/outputDelta",
  stability: "stable",
  audience: "one",
  params: z.object({
    processId: z.string(),
    stream: z.enum(["stdout", "stderr"]),
    deltaBase64: z.string(),
    capReached: z.boolean(),
  }),
});

export const configWarning = notification({
  name: "configWarning",
  stability: "stable",
  audience: "one",
  params: z.looseObject({ summary: z.string(), details: z.string().nullable() }),
});

export const remoteControlStatusChanged = notification({
  name: "remoteControl/status/changed",
  stability: "stable",
  audience: "one",
  params: z.object({
    status: z.enum(["disabled", "connecting", "connected", "errored"]),
    serverName: z.string(),
    installationId: z.string(),
    environmentId: z.string().nullable(),
  }),
});

/** Access was taken away from somebody: how often that happened on this host, for devices to keep. */
export const accessGeneration = notification({
  name: "farhelm/access/generation",
  stability: "experimental",
  audience: "all",
  params: z.object({
    accessGeneration: z.int(),
    /** A JWT of the host about the number. */
    generationStatement: z.string(),
  }),
});

/** A pairing changed: somebody came with its link, waits to be confirmed, or is done. */
export const pairChanged = notification({
  name: "farhelm/pair/changed",
  stability: "experimental",
  audience: "all",
  role: "admin",
  params: z.object({ pairing: Pairing }),
});

/** The access of this connection, or its role, ends soon by itself. */
export const accessEnding = notification({
  name: "farhelm/access/ending",
  stability: "experimental",
  audience: "one",
  params: z.object({
    /** `role`: a weaker one comes after it; the connection is closed with 4003, and the client comes back. */
    what: z.enum(["access", "role"]),
    /** Unix time in milliseconds. */
    endsAtMs: z.number(),
    /** The same, counted from now: clocks differ. */
    endsInMs: z.number(),
  }),
});

/** The host lives, and the way to here is open. For those alone who asked for it in `initialize`. */
export const heartbeat = notification({
  name: "farhelm/heartbeat",
  stability: "experimental",
  audience: "one",
  params: z.object({
    /** How long it takes to the next one. */
    intervalMs: z.int(),
  }),
});
