/** The HTTP side: Fastify with its headers, errors and routes. The door stands before it. */
import helmet from "@fastify/helmet";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import Fastify from "fastify";
import type { RequestListener, Server } from "node:http";
import type { AllowedOrigins } from "./allowed-origins.ts";
import { authRoutes } from "./auth-routes.ts";
import { dashboardRoutes } from "./dashboard-routes.ts";
import type { Door } from "./door.ts";
import { answerUnreadable } from "./http-server.ts";
import type { Log } from "./log.ts";
import { errorFacts } from "./log.ts";
import type { TransportOptions, TransportPorts } from "./options.ts";
import { publicRoutes } from "./public-routes.ts";
import type { Refusal } from "./refusal.ts";
import { internalRefusal, refusalBody, refusalFor } from "./refusal.ts";
import type { RefusalLog } from "./refusal-log.ts";

/** Of any request body; the only bodies are those of `/auth/*`. */
const bodyLimitBytes = 64 * 1024;
const oneYearSeconds = 31_536_000;

export interface HttpAppOptions extends TransportPorts {
  readonly transport: TransportOptions;
  readonly authCallsPerMinute: number;
  readonly origins: AllowedOrigins;
  readonly door: Door;
  readonly refusals: RefusalLog;
  makeServer(handler: RequestListener): Server;
}

export async function httpApp(options: HttpAppOptions): Promise<FastifyInstance> {
  const { log, transport } = options;
  const app = Fastify({
    logger: false,
    trustProxy: false,
    bodyLimit: bodyLimitBytes,
    forceCloseConnections: true,
    schemaController: { compilersFactory: noCompilers },
    routerOptions: { ignoreTrailingSlash: false, maxParamLength: 512 },
    frameworkErrors: (error, request, reply) => sendError(options, error, request, reply),
    clientErrorHandler: (error, socket) => answerUnreadable(error, socket, options.refusals),
    serverFactory: (handler) => options.makeServer(handler),
  });
  await app.register(helmet, helmetOptions(options.origins));
  if (transport.tls) addHsts(app);
  addErrors(app, options);
  addCanonicalRedirect(app, options);
  addRequestLog(app, log);
  authRoutes(app, options);
  publicRoutes(app, options);
  await dashboardRoutes(app, transport.dashboardDir);
  return app;
}

/** No route has a JSON schema: loading what would compile them is a tenth of a start. */
const refuseSchema = (): never => {
  throw new Error("routes of this host have no schemas; zod checks their bodies");
};
const noCompilers = { buildValidator: refuseSchema, buildSerializer: refuseSchema };

/** Everything the dashboard needs comes from here; nothing inline, nothing framed, nothing sent elsewhere. */
const helmetOptions = (origins: AllowedOrigins) => ({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      "default-src": ["'none'"],
      "script-src": ["'self'"],
      "style-src": ["'self'"],
      // Older browsers do not count the WebSocket of the same origin as 'self'.
      "connect-src": ["'self'", () => origins.canonical.replace(/^http/, "ws")],
      "img-src": ["'self'", "data:"],
      "font-src": ["'self'"],
      "manifest-src": ["'self'"],
      "frame-ancestors": ["'none'"],
      "base-uri": ["'none'"],
      "form-action": ["'none'"],
    },
  },
  referrerPolicy: { policy: "no-referrer" as const },
  crossOriginOpenerPolicy: { policy: "same-origin" as const },
  crossOriginResourcePolicy: { policy: "same-origin" as const },
  frameguard: { action: "deny" as const },
  strictTransportSecurity: false,
});

/** Not for `localhost`: a browser would then refuse plain HTTP to every other port of the developer's machine. */
function addHsts(app: FastifyInstance): void {
  app.addHook("onRequest", async (request, reply) => {
    if (/^localhost(?::|$)/.test(request.raw.headers.host ?? "")) return;
    reply.header("strict-transport-security", `max-age=${oneYearSeconds}`);
  });
}

function addErrors(app: FastifyInstance, options: HttpAppOptions): void {
  app.setErrorHandler<FastifyError>((error, request, reply) =>
    sendError(options, error, request, reply),
  );
  app.setNotFoundHandler((_request, reply) => send(reply, notFound));
}

function sendError(
  { log, refusals, door }: HttpAppOptions,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  // What a route refused has its line already; what no route came to see has not.
  const unread = knownErrors.get(codeOf(error)) ?? (error instanceof SyntaxError ? badJson : null);
  if (unread !== null && unread !== notFound) {
    refusals.add("request", unread, door.facts(request.raw).address);
  }
  const refusal = unread ?? refusalFor(error);
  if (refusal === internalRefusal) {
    log.error("request_failed", { route: routeOf(request), ...errorFacts(error) });
  }
  send(reply, refusal);
}

export function send(reply: FastifyReply, refusal: Refusal): void {
  void reply
    .code(refusal.status)
    .headers({ "cache-control": "no-store", ...refusal.headers })
    .send(refusalBody(refusal));
}

/** Pages asked for under another of our names move to the canonical origin, where the browser's keys live. */
function addCanonicalRedirect(app: FastifyInstance, { origins, door }: HttpAppOptions): void {
  app.addHook("onRequest", async (request, reply) => {
    if (request.method !== "GET" || !(request.headers.accept ?? "").includes("text/html")) {
      return undefined;
    }
    // A proxy may have written the Host header anew; to redirect would turn in circles.
    if (door.facts(request.raw).forwarded || isMachineRoute(request.url)) {
      return undefined;
    }
    const to = origins.redirectFrom(door.hostOrigin(request.raw) ?? "");
    if (to === undefined) return undefined;
    return reply.header("cache-control", "no-store").redirect(`${to}${request.url}`, 302);
  });
}

const isMachineRoute = (url: string): boolean =>
  /^\/(?:healthz|readyz|ca\.crt|auth\/|\.well-known\/|ws(?:\?|$))/.test(url);

/** The route's pattern, never the address as it was sent: that may hold anything. */
const routeOf = (request: FastifyRequest): string => request.routeOptions?.url ?? "(none)";

function addRequestLog(app: FastifyInstance, log: Log): void {
  app.addHook("onResponse", async (request, reply) => {
    const route = routeOf(request);
    if (route === "/healthz" || route === "/readyz") return;
    log.info("request", {
      method: request.method,
      route,
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
    });
  });
}

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";

const notFound: Refusal = {
  status: 404,
  code: "not_found",
  message: "There is nothing at this address.",
  nextStep: "The dashboard is at `/`; PROTOCOL.md lists the other addresses.",
};

const badJson: Refusal = {
  status: 400,
  code: "invalid_json",
  message: "The body is not valid JSON.",
  nextStep: "Send one JSON object in UTF-8.",
};

const knownErrors: ReadonlyMap<string, Refusal> = new Map([
  ["FST_ERR_NOT_FOUND", notFound],
  [
    "FST_ERR_BAD_URL",
    {
      status: 400,
      code: "invalid_address",
      message: "The address is not valid.",
      nextStep: "Check its percent-encoding.",
    },
  ],
  [
    "FST_ERR_CTP_BODY_TOO_LARGE",
    {
      status: 413,
      code: "body_too_large",
      message: "The body is larger than 64 KiB.",
      nextStep: "Send less.",
    },
  ],
  [
    "FST_ERR_CTP_INVALID_MEDIA_TYPE",
    {
      status: 415,
      code: "not_json",
      message: "Only JSON is taken.",
      nextStep: "Send `content-type: application/json`.",
    },
  ],
  ["FST_ERR_CTP_INVALID_JSON_BODY", badJson],
  ["FST_ERR_CTP_EMPTY_JSON_BODY", badJson],
  ["FST_ERR_CTP_INVALID_CONTENT_LENGTH", badJson],
]);
