/** A call of an access of limited scope: refused, or made, or made as if the thread did not exist. */
import { randomUUID } from "node:crypto";
import { RpcError, deniedRequest as denied } from "../protocol/errors.ts";
import type { Scope } from "../protocol/principal.ts";
import { isRecord } from "../util/is-record.ts";
import type { Context } from "./context.ts";
import type { Method } from "./define.ts";
import type { ScopeGuard } from "./scope-guard.ts";

interface ScopedCall {
  readonly method: Method;
  readonly context: Context;
  readonly params: unknown;
}

/** A call that may be made. */
export interface Entry {
  /** False: what it names does not exist for this caller, and nothing comes of it. */
  readonly touches: boolean;
  handle(): unknown;
}

/** What a method touches; methods that do not say so and name no thread touch the whole host. */
export const reachOf = ({
  reach,
  params,
}: Method): "thread" | "host" | NonNullable<Method["reach"]> =>
  reach ?? (namesThread(params) ? "thread" : "host");

/** The call as the scope lets it be made. Rejects, before anything is done, where it does not. */
export async function enterScope(
  guard: ScopeGuard,
  scope: Scope,
  call: ScopedCall,
): Promise<Entry> {
  const { method, context, params } = call;
  const reach = reachOf(method);
  if (reach === "host") {
    throw denied(
      "scope",
      `${method.name} is about the whole host; this access is for a part of it.`,
    );
  }
  if (reach === "thread" && isRecord(params)) {
    if (namesFile(method, params)) {
      throw denied(
        "scope",
        "This access is for a part of the host: name the thread by its id alone.",
      );
    }
    for (const [member, threadId] of threadsNamed(params)) {
      if (await guard.mayTouch(scope, threadId)) continue;
      return { touches: false, handle: () => asUnknown(call, params, member, threadId) };
    }
  }
  const stray = guard.strayFolder(scope, params);
  const started = makesThread(method) ? guard.startFolder(params) : undefined;
  const outside =
    stray ?? (started !== undefined && !guard.holdsFolder(scope, started) ? started : undefined);
  if (outside !== undefined) throw outsideOf(scope, outside);
  const handle = (): unknown => method.handle(context, params);
  if (reach !== "list") return { touches: true, handle };
  return { touches: true, handle: async () => guard.listed(scope, await handle()) };
}

/** A path may lead to any thread, whatever the id beside it says. */
const namesFile = ({ name }: Method, { path }: Readonly<Record<string, unknown>>): boolean =>
  (name === "thread/resume" || name === "thread/fork") &&
  path !== undefined &&
  path !== null &&
  path !== "";

/** Members of params that name a thread. */
export const threadMembers: ReadonlySet<string> = new Set(["threadId", "beforeThreadId"]);

const threadsNamed = (params: Readonly<Record<string, unknown>>): readonly [string, string][] =>
  [...threadMembers].flatMap((member): [string, string][] => {
    const named = params[member];
    if (member !== "threadId" && (named === undefined || named === null)) return [];
    return [[member, String(named)]];
  });

/** A fork is a new thread in the folder of the old one, unless another is named. */
const makesThread = ({ name, reach }: Method): boolean =>
  reach === "start" || name === "thread/fork";

/** What the method says of a thread that does not exist, which a thread out of scope does not for this caller. */
async function asUnknown(
  { method, context }: ScopedCall,
  params: Readonly<Record<string, unknown>>,
  member: string,
  threadId: string,
): Promise<unknown> {
  const nobodys = randomUUID();
  try {
    return await method.handle(context, { ...params, [member]: nobodys });
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    throw error.asDenied("scope", error.message.replaceAll(nobodys, threadId));
  }
}

function outsideOf({ projects }: Scope, folder: string): RpcError {
  const where = projects?.length ? `it may work in ${projects.join(", ")}` : "it has no folder";
  return denied("scope", `${folder} is out of reach of this access: ${where}.`);
}

function namesThread(params: unknown): boolean {
  if (typeof params !== "object" || params === null || !("shape" in params)) return false;
  return isRecord(params.shape) && "threadId" in params.shape;
}
