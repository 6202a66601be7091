import { resolve } from "node:path";
import { z } from "zod";
import type { Context } from "../dispatch/context.ts";
import { method } from "../dispatch/define.ts";
import { RpcError, invalidRequest } from "../protocol/errors.ts";
import type { ThreadId } from "../protocol/ids.ts";
import { ReadState, hasReader } from "../protocol/read-state.ts";
import { Thread } from "../protocol/thread.ts";
import type { ThreadListQuery } from "../threads/port.ts";
import { evenNull } from "./experimental-params.ts";
import { PageLimit, pageAnswer, pageParams, pageResult, queryOf } from "./page-params.ts";
import { idFault, parseThreadId, parseThreadIdParam } from "./thread-id.ts";

export const ThreadSourceKind = z.enum([
  "cli",
  "vscode",
  "exec",
  "appServer",
  "subAgent",
  "subAgentReview",
  "subAgentCompact",
  "subAgentThreadSpawn",
  "subAgentOther",
  "unknown",
]);

/** The programs with which a person talks; the others are asked for by name. */
export const interactiveKinds = ["cli", "vscode", "custom:atlas", "custom:chatgpt"];

const maxExcluded = 100;

const listParams = {
  ...pageParams,
  archived: z.boolean().nullish(),
  sortKey: z.enum(["created_at", "updated_at", "recency_at", "section_position"]).nullish(),
  modelProviders: z.array(z.string()).nullish(),
  sourceKinds: z.array(ThreadSourceKind).nullish(),
  /** Folders by their path; a relative one counts from the host's default folder. */
  cwd: z.union([z.string(), z.array(z.string())]).nullish(),
  searchTerm: z.string().nullish(),
  sectionId: z.string().nullish(),
  projectId: z.string().nullish(),
  excludedThreadIds: z.array(z.string()).nullish(),
  originators: z.array(z.string()).nullish(),
  parentThreadId: z.string().nullish(),
  ancestorThreadId: z.string().nullish(),
  attachedToThreadId: z.string().nullish(),
  includeAttachedThreads: z.boolean().optional(),
  /** There are no accounts here that would have threads of their own. */
  currentAccountOnly: z.boolean().optional(),
  /** Answers from the index as it is, without a look at the rollouts. */
  useStateDbOnly: z.boolean().optional(),
};
type ListParams = z.output<z.ZodObject<typeof listParams>>;

export const threadList = method({
  name: "thread/list",
  stability: "stable",
  role: "viewer",
  reach: "list",
  experimentalParams: [
    "includeAttachedThreads",
    evenNull("projectId"),
    "parentThreadId",
    "ancestorThreadId",
    "attachedToThreadId",
  ],
  params: z.looseObject(listParams),
  result: z.object({
    data: z.array(Thread),
    readStates: z.record(z.string(), ReadState).nullable(),
    ...pageResult,
  }),
  async handle(context, params) {
    const { threads } = context;
    const query = listQueryOf(context, params);
    if (params.attachedToThreadId) {
      return { data: [], readStates: {}, nextCursor: null, backwardsCursor: null };
    }
    const page = await threads.list(query);
    const read = page.data.filter(hasReader);
    const readStates = await threads.readStates.ofAll(read.map(({ id }) => id));
    return { readStates, ...pageAnswer(page) };
  },
});

function listQueryOf({ config, models, host }: Context, params: ListParams): ThreadListQuery {
  refuseFilters(params);
  const { cwd, sortKey, modelProviders } = params;
  const standard = config.read().modelProvider ?? models.defaults().modelProvider;
  const providers = modelProviders ?? [standard];
  const relatives = {
    parentId: relative("parent thread", params.parentThreadId),
    ancestorId: relative("ancestor thread", params.ancestorThreadId),
  };
  const folders = typeof cwd === "string" ? [cwd] : cwd;
  return {
    ...queryOf(params, 25, "desc"),
    archived: params.archived ?? false,
    cwds: folders?.map((folder) => resolve(host.defaultCwd, folder)),
    modelProviders: providers.length > 0 ? providers : undefined,
    sourceKinds: kindsOf(params),
    searchTerm: params.searchTerm || undefined,
    sortKey: sortKey ?? "created_at",
    sectionId: params.sectionId,
    excludedIds: excludedIn(params.excludedThreadIds ?? []),
    ...relatives,
    indexOnly: params.useStateDbOnly ?? false,
  };
}

/** Of all kinds where relatives are asked for, else those with which a person talks. */
function kindsOf(params: ListParams): readonly string[] | undefined {
  if (params.sourceKinds?.length) return params.sourceKinds;
  return params.parentThreadId || params.ancestorThreadId ? undefined : interactiveKinds;
}

/** Filters that exclude each other, or that only the vendor's own service knows. */
function refuseFilters(params: ListParams): void {
  const { parentThreadId, ancestorThreadId, attachedToThreadId, projectId } = params;
  if (params.originators?.length) {
    throw new RpcError(
      "invalidParams",
      "originator filtering is not supported by the local app-server",
    );
  }
  if (projectId === "") throw new RpcError("invalidParams", "projectId must not be empty");
  if (projectId) throw new RpcError("invalidParams", `project not found: ${projectId}`);
  if (params.includeAttachedThreads && !params.searchTerm) {
    throw invalidRequest("includeAttachedThreads requires a non-empty searchTerm");
  }
  if (attachedToThreadId && (parentThreadId || ancestorThreadId)) {
    throw invalidRequest(
      "attachedToThreadId cannot be combined with parentThreadId or ancestorThreadId",
    );
  }
  if (parentThreadId && ancestorThreadId) {
    throw invalidRequest("parentThreadId and ancestorThreadId are mutually exclusive");
  }
  relative("attached thread parent", attachedToThreadId);
  if (params.sortKey === "section_position" && typeof params.sectionId !== "string") {
    throw invalidRequest("section-position sorting requires a section filter");
  }
}

const relative = (what: string, id: string | null | undefined): ThreadId | undefined =>
  typeof id === "string" ? parseThreadId(id, what) : undefined;

function excludedIn(ids: readonly string[]): readonly ThreadId[] {
  if (ids.length > maxExcluded) {
    throw new RpcError("invalidParams", `excludedThreadIds accepts at most ${maxExcluded} entries`);
  }
  return ids.map((id) => parseThreadIdParam(id, "excluded thread"));
}

export const threadLoadedList = method({
  name: "thread/loaded/list",
  stability: "stable",
  role: "viewer",
  reach: "list",
  params: z.looseObject({ cursor: z.string().nullish(), limit: PageLimit }),
  result: z.object({ data: z.array(z.string()), nextCursor: z.string().nullable() }),
  handle({ threads }, { cursor, limit }) {
    const loaded = threads.loaded();
    // with nothing to list no cursor is read
    if (loaded.length === 0) return { data: [], nextCursor: null };
    const isPlace = typeof cursor === "string";
    if (isPlace && idFault(cursor)) throw invalidRequest(`invalid cursor: ${cursor}`);
    const after = isPlace ? parseThreadId(cursor) : "";
    const ids = loaded.filter((id) => id > after);
    const data = ids.slice(0, limit === null || limit === undefined ? Infinity : limit || 1);
    return { data, nextCursor: data.length < ids.length ? (data.at(-1) ?? null) : null };
  },
});
