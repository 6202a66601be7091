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

/** Output of a `process/spawn` of this connection, as of a `command/exec`. */
export const processOutputDelta = notification({
  name: "process/outputDelta",
  stability: "experimental",
  audience: "one",
  params: z.object({
    processHandle: z.string(),
    stream: z.enum(["stdout", "stderr"]),
    deltaBase64: z.string(),
    capReached: z.boolean(),
  }),
});

/** A process of this connection has ended; the output is here unless it was told piece by piece. */
export const processExited = notification({
  name: "process/exited",
  stability: "experimental",
  audience: "one",
  params: z.object({
    processHandle: z.string(),
    exitCode: z.int(),
    /** A child that it left behind held its output open; what that prints is not waited for. */
    outputDrainTimedOut: z.boolean(),
    stdout: z.string(),
    stdoutCapReached: z.boolean(),
    stderr: z.string(),
    stderrCapReached: z.boolean(),
  }),
});

export const fsChanged = notification({
  name: "fs/changed",
  stability: "stable",
  audience: "one",
  params: z.object({ watchId: z.string(), changedPaths: z.array(z.string()) }),
});

export const FuzzyFileMatch = z.object({
  /** As the search named it. */
  root: z.string(),
  /** Relative to the root. */
  path: z.string(),
  match_type: z.enum(["file", "directory"]),
  file_name: z.string(),
  score: z.int(),
  /** Where in the path the letters of the query stand, by code points. */
  indices: z.array(z.int()).nullable(),
});

/** What a search has found so far for its latest query, the best first. */
export const fuzzySearchUpdated = notification({
  name: "fuzzyFileSearch/sessionUpdated",
  stability: "experimental",
  audience: "one",
  params: z.object({ sessionId: z.string(), query: z.string(), files: z.array(FuzzyFileMatch) }),
});

/** Everything was looked at for it. */
export const fuzzySearchCompleted = notification({
  name: "fuzzyFileSearch/sessionCompleted",
  stability: "experimental",
  audience: "one",
  params: z.object({ sessionId: z.string() }),
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
