import { release } from "node:os";
import { z } from "zod";
import type { ConfigReader } from "../config/port.ts";
import { ConfigError } from "../config/port.ts";
import { method } from "../dispatch/define.ts";
import { invalidRequest } from "../protocol/errors.ts";
import { configWarning, remoteControlStatusChanged } from "../protocol/notifications.ts";
import { protocolGeneration } from "../protocol/generation.ts";

/** What an HTTP header value may hold (RFC 9110, section 5.5): clients' names end up in one. */
const headerValue = /^[\t\x20-\x7e\x80-\xff]*$/;

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
  handle({ session, host, config, accounts, afterAnswer }, { clientInfo, capabilities }) {
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
    const warnings = [configFault(config), accounts.fault()];
    afterAnswer(() => {
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
    };
  },
});

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
