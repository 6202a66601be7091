/** `POST /auth/*`: JSON in, JSON out, as protocol/auth-api declares it. */
import type { FastifyInstance } from "fastify";
import type { AuthApi } from "../auth/port.ts";
import { AuthError } from "../auth/port.ts";
import {
  ConnectFinish,
  ConnectStart,
  HostProve,
  PairFinish,
  PairStart,
  PairStatus,
  TaskRegister,
  TokenFinish,
  TokenStart,
} from "../protocol/auth-api.ts";
import { isRecord } from "../util/is-record.ts";
import { networkOf } from "../util/network-of.ts";
import { perMinute, TokenBuckets } from "../util/token-buckets.ts";
import type { Door } from "./door.ts";
import { refusalBody, tooManyCalls } from "./refusal.ts";
import type { RefusalLog } from "./refusal-log.ts";
import { authRefusal } from "./refusal.ts";
import { bearerOf } from "./upgrade-request.ts";

interface AuthRoutesOptions {
  readonly authApi: AuthApi;
  readonly door: Door;
  readonly refusals: RefusalLog;
  readonly authCallsPerMinute: number;
}

const routes = [
  { ...HostProve, needsBearer: false },
  { ...PairStart, needsBearer: false },
  { ...PairFinish, needsBearer: false },
  { ...PairStatus, needsBearer: false },
  { ...TokenStart, needsBearer: false },
  { ...TokenFinish, needsBearer: false },
  { ...ConnectStart, needsBearer: true },
  { ...ConnectFinish, needsBearer: true },
  { ...TaskRegister, needsBearer: false },
] as const;

export function authRoutes(app: FastifyInstance, options: AuthRoutesOptions): void {
  const { authApi, door, refusals } = options;
  const buckets = new TokenBuckets(perMinute(options.authCallsPerMinute));
  onlyJson(app);
  for (const { path, request: Body, response: Answer, needsBearer } of routes) {
    app.route({
      method: "POST",
      url: path,
      // Counted before the body is read, let alone believed.
      onRequest: async (request, reply) => {
        const { address } = door.facts(request.raw);
        const waitMs = buckets.take(networkOf(address));
        if (waitMs === 0) return undefined;
        const refusal = tooManyCalls(waitMs);
        refusals.add("request", refusal, address);
        return reply
          .code(refusal.status)
          .headers(refusal.headers ?? {})
          .send(refusalBody(refusal));
      },
      handler: async (request, reply) => {
        const facts = door.facts(request.raw);
        reply.header("cache-control", "no-store");
        let reachedAuth = false;
        try {
          const bearer = needsBearer ? requireBearer(request.headers.authorization) : undefined;
          const body = Body.safeParse(request.body);
          if (!body.success) throw invalidBody(body.error.issues[0]?.path ?? []);
          reachedAuth = true;
          // What a route's path names, decoded; auth reads the whole once more.
          const named = isRecord(request.params) ? request.params : {};
          const asked = { ...body.data, ...named };
          return Answer.parse(await authApi.call(path, asked, facts, bearer));
        } catch (error) {
          if (error instanceof AuthError) {
            const refusal = authRefusal(error);
            if (reachedAuth) refusals.count("request", refusal, facts.address);
            else refusals.add("request", refusal, facts.address);
          }
          throw error;
        }
      },
    });
  }
}

/** A body of any other type is refused unread: the types that a page may send anywhere unasked are among them. */
function onlyJson(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser("error", "error");
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "string" }, parse);
}

function requireBearer(authorization: string | undefined): string {
  const token = authorization === undefined ? undefined : bearerOf(authorization);
  if (token !== undefined) return token;
  throw new AuthError(
    401,
    "bearer_missing",
    "This call needs the device's token.",
    "Send `Authorization: Bearer TOKEN`.",
  );
}

/** Names the member that is wrong, not its value. */
function invalidBody(path: readonly PropertyKey[]): AuthError {
  const at = path.length === 0 ? "the body" : `\`${path.map(String).join(".")}\``;
  return new AuthError(
    400,
    "invalid_body",
    `The request does not have the right shape: ${at} is missing or wrong.`,
    "See PROTOCOL.md, the calls under /auth.",
  );
}
