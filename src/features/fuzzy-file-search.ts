/** Finding files by some letters of their paths: once, or as somebody types. */
import { resolve } from "node:path";
import { z } from "zod";
import type { Context } from "../dispatch/context.ts";
import { method } from "../dispatch/define.ts";
import type { FoundFile, SearchPlace } from "../files/port.ts";
import {
  fuzzySearchCompleted,
  fuzzySearchUpdated,
  FuzzyFileMatch,
} from "../protocol/connection-notifications.ts";
import { invalidRequest, RpcError } from "../protocol/errors.ts";
import { fileAccessOf } from "./file-access.ts";

/** Whoever may look into files may search them. */
const common = { role: "operator", grantedBy: "files", retry: "again" } as const;

const Roots = z.array(z.string()).max(100);

export const fuzzyFileSearch = method({
  ...common,
  name: "fuzzyFileSearch",
  stability: "stable",
  reach: "folder",
  params: z.looseObject({
    query: z.string(),
    roots: Roots,
    /** A search ends when its connection begins another one with its token. */
    cancellationToken: z.string().nullish(),
  }),
  result: z.object({ files: z.array(FuzzyFileMatch) }),
  async handle(context, { query, roots, cancellationToken }) {
    const ended = new AbortController();
    const forget = context.session.onClosed(() => ended.abort());
    const place = placeOf(context, roots);
    const token = cancellationToken ?? undefined;
    try {
      const files = await context.searches.search(place, query, token, ended.signal);
      return { files: files.map(onWire) };
    } finally {
      forget();
    }
  },
});

function placeOf(context: Context, roots: readonly string[]): SearchPlace {
  const { host, session } = context;
  return {
    owner: session,
    access: fileAccessOf(context),
    roots: roots.map((name) => ({ name, path: resolve(host.defaultCwd, name) })),
  };
}

const onWire = ({
  root,
  path,
  isFolder,
  fileName,
  score,
  indices,
}: FoundFile): z.input<typeof FuzzyFileMatch> => ({
  root,
  path,
  match_type: isFolder ? "directory" : "file",
  file_name: fileName,
  score,
  indices: [...indices],
});

export const fuzzySearchStart = method({
  ...common,
  name: "fuzzyFileSearch/sessionStart",
  stability: "experimental",
  reach: "folder",
  params: z.looseObject({ sessionId: z.string(), roots: Roots }),
  result: z.object({}),
  handle(context, { sessionId, roots }) {
    if (sessionId === "") throw invalidRequest("sessionId must not be empty");
    if (roots.length === 0) throw new RpcError("internal", noRoots);
    const { searches, session, afterAnswer } = context;
    const forget = session.onClosed(() => searches.stop(session, sessionId));
    try {
      searches.start(placeOf(context, roots), sessionId, {
        found: (query, files) =>
          session.tell(fuzzySearchUpdated, { sessionId, query, files: files.map(onWire) }),
        completed: () => session.tell(fuzzySearchCompleted, { sessionId }),
        closed: forget,
      });
    } catch (error) {
      forget();
      throw error;
    }
    afterAnswer(() => searches.update(session, sessionId, ""));
    return {};
  },
});

const noRoots =
  "failed to start fuzzy file search session: at least one search directory is required";

export const fuzzySearchUpdate = method({
  ...common,
  name: "fuzzyFileSearch/sessionUpdate",
  stability: "experimental",
  reach: "open",
  params: z.looseObject({ sessionId: z.string(), query: z.string() }),
  result: z.object({}),
  handle({ searches, session, afterAnswer }, { sessionId, query }) {
    if (!searches.has(session, sessionId)) {
      throw invalidRequest(`fuzzy file search session not found: ${sessionId}`);
    }
    afterAnswer(() => searches.update(session, sessionId, query));
    return {};
  },
});

export const fuzzySearchStop = method({
  ...common,
  name: "fuzzyFileSearch/sessionStop",
  stability: "experimental",
  reach: "open",
  params: z.looseObject({ sessionId: z.string() }),
  result: z.object({}),
  handle({ searches, session }, { sessionId }) {
    searches.stop(session, sessionId);
    return {};
  },
});
