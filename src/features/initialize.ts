import { release } from "node:os";
import { z } from "zod";
import { method } from "../dispatch/define.ts";
import { invalidRequest } from "../protocol/errors.ts";
import { remoteControlStatusChanged } from "../protocol/notifications.ts";
import { protocolGeneration } from "../protocol/generation.ts";

/** What an HTTP header value may hold (RFC 9110, section 5.5): clients' names end up in one. */
const headerValue = /^[\t\x20-\x7e\x80-\xff]*$/;

export const initialize = method({
  name: "initialize",
  stability: "stable",
  role: "viewer",
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
      })
      .nullish(),
  }),
  result: z.object({
    /** `farhelm/GENERATION (…)`: clients read the version after the first slash. */
    userAgent: z.string(),
    codexHome: z.string(),
    platformFamily: z.string(),
    platformOs: z.string(),
  }),
  handle({ session, host, afterAnswer }, { clientInfo, capabilities }) {
    const { name, version } = clientInfo;
    if (!headerValue.test(name)) {
      throw invalidRequest(
        `Invalid clientInfo.name: '${name}'. Must be a valid HTTP header value.`,
      );
    }
    session.initialize({
      name,
      version,
      experimental: capabilities?.experimentalApi ?? false,
      optOut: capabilities?.optOutNotificationMethods ?? [],
    });
    afterAnswer(() =>
      session.tell(remoteControlStatusChanged, {
        status: "disabled",
        serverName: host.serverName,
        installationId: host.installationId,
        environmentId: null,
      }),
    );
    return {
      userAgent: `farhelm/${protocolGeneration} (${process.platform} ${release()}; ${process.arch}) unknown (${name}; ${version})`,
      codexHome: host.codexHome,
      platformFamily: process.platform === "win32" ? "windows" : "unix",
      platformOs: process.platform === "darwin" ? "macos" : process.platform,
    };
  },
});
