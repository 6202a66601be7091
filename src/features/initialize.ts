import { release } from "node:os";
import { z } from "zod";
import type { ConfigReader } from "../config/port.ts";
import { ConfigError } from "../config/port.ts";
import type { HostFacts } from "../dispatch/context.ts";
import { method } from "../dispatch/define.ts";
import { invalidRequest } from "../protocol/errors.ts";
import { configWarning, remoteControlStatusChanged } from "../protocol/connection-notifications.ts";
import { protocolGeneration } from "../protocol/generation.ts";
import { ThreadId } from "../protocol/ids.ts";
import type { ThreadPlace } from "../protocol/stream.ts";
import { Since, ThreadStream } from "../protocol/stream.ts";
import { callLedgerLimits } from "../store/port.ts";
import { parseThreadId } from "./thread-id.ts";

/** What an HTTP header value may hold (RFC 9110, section 5.5): clients' names end up in one. */
const headerValue = /^[\t\x20-\x7e\x80-\xff]*$/;

/** So many threads a client can come back to at once. */
const maxThreads = 100;

const PlaceParams = z.looseObject({ threadId: z.string(), since: Since });

export const initialize = method({
  name: "initialize",
  stability: "stable",
  role: "viewer",
  reach: "open",
  beforeInitialize: true,
  params: z.looseObject({
    clientInfo: z.looseObject({
      name: z.string(),
      title: z.string().nullish(),
      version: z.string(),
    }),
    capabilities: z
      .looseObject({
        experimentalApi: z.boolean().default(false),
        optOutNotificationMethods: z.array(z.string()).nullish(),
        /** Farhelm's own: `farhelm/heartbeat` at every interval. */
        heartbeat: z.boolean().nullish(),
        /**
         * Farhelm's own: the threads that the client follows, and where it was in their events. One that sends it, an
         * empty list too, is told its place by thread/start, resume and fork.
         */
        threads: z.array(PlaceParams).max(maxThreads).nullish(),
      })
      .nullish(),
  }),
  result: z.object({
    /** `farhelm/GENERATION (…)`: clients read the version after the first slash. */
    userAgent: z.string(),
    codexHome: z.string(),
    platformFamily: z.string(),
    platformOs: z.string(),
    /** How often the host pings this connection, and how often a heartbeat comes where it was asked for. */
    pingIntervalMs: z.int().optional(),
    /** How long an `idempotencyKey` is good for. */
    idempotencyKeyMs: z.int().optional(),
    /** For each of `capabilities.threads`, in their order. */
    threads: z.array(z.object({ threadId: ThreadId, stream: ThreadStream })).optional(),
  }),
  handle({ session, host, config, accounts, afterAnswer }, { clientInfo, capabilities }) {
    const { name, version } = clientInfo;
    if (!headerValue.test(name)) {
      throw invalidRequest(
        `Invalid clientInfo.name: '${name}'. Must be a valid HTTP header value.`,
      );
    }
    const places = placesIn(capabilities?.threads ?? []);
    session.initialize({
      name,
      version,
      experimental: capabilities?.experimentalApi ?? false,
      optOut: capabilities?.optOutNotificationMethods ?? [],
      heartbeat: capabilities?.heartbeat ?? false,
      countsEvents: Array.isArray(capabilities?.threads),
    });
    const streams = session.streamsFrom(places);
    const comingBack = places.flatMap((place, index) => {
      const stream = streams[index];
      return stream ? [{ ...place, stream }] : [];
    });
    const warnings = [configFault(config), accounts.fault()];
    afterAnswer(() => {
      for (const { threadId, stream, since } of comingBack) {
        if (stream.outcome === "replayed") session.follow(threadId, stream, since);
      }
      for (const summary of warnings) {
        if (summary) session.tell(configWarning, { summary, details: null });
      }
      session.tell(remoteControlStatusChanged, {
        status: "disabled",
        serverName: host.serverName,
        installationId: host.installationId,
        environmentId: null,
      });
    });
    return {
      userAgent: `farhelm/${protocolGeneration} (${process.platform} ${release()}; ${process.arch}) unknown (${name}; ${version})`,
      codexHome: host.codexHome,
      platformFamily: process.platform === "win32" ? "windows" : "unix",
      platformOs: process.platform === "darwin" ? "macos" : process.platform,
      ...timesFor(capabilities, host),
      ...(capabilities?.threads && {
        threads: comingBack.map(({ threadId, stream }) => ({ threadId, stream })),
      }),
    };
  },
});

/** For clients that know of them; the stock ones get what the stock server answers. */
const timesFor = (
  capabilities: { readonly heartbeat?: boolean | null | undefined } | null | undefined,
  { pingIntervalMs }: HostFacts,
) =>
  typeof capabilities?.heartbeat === "boolean" && {
    pingIntervalMs,
    idempotencyKeyMs: callLedgerLimits.keptForMs,
  };

function placesIn(named: readonly z.infer<typeof PlaceParams>[]): readonly ThreadPlace[] {
  const places = named.map(({ threadId, since }) => ({ threadId: parseThreadId(threadId), since }));
  const twice = places.find(
    ({ threadId }, index) => places.findIndex((place) => place.threadId === threadId) < index,
  );
  if (twice) throw invalidRequest(`capabilities.threads names ${twice.threadId} twice`);
  return places;
}

/** What is wrong with config.toml, in a sentence; undefined when it can be read. */
function configFault(config: ConfigReader): string | undefined {
  try {
    config.read();
    return undefined;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return `config.toml cannot be used: ${error.message}`;
  }
}
