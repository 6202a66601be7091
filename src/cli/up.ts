import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { StoreKind } from "../config/store-kinds.ts";
import { explain } from "./cli-error.ts";
import { homes, userHome } from "./homes.ts";
import type { HostOptions, PairingLink, RunningHost } from "./host.ts";
import { pairingText } from "./pairing-text.ts";
import type { Setting } from "./program.ts";
import { defaultCwd, parseListen, parseOrigin, parseOverride } from "./up-options.ts";

/** The command line of `farhelm up` as commander read it. */
export interface UpFlags {
  readonly listen?: string;
  readonly lan: boolean;
  readonly publicOrigin?: string;
  readonly allowedHost: readonly string[];
  readonly cwd?: string;
  readonly trustProxy: readonly string[];
  readonly config: readonly string[];
  readonly profile?: string;
  readonly allowRemoteHeadless: boolean;
  readonly store?: StoreKind;
}

/** Serves until asked to stop. Prints one line with the URL on stdout once connections are accepted. */
export async function up(setting: Setting, flags: UpFlags): Promise<void> {
  const { outside } = setting;
  const stop = outside.untilAskedToStop();
  const options = hostOptions(setting, flags);
  const host = await outside.startHost(options);
  const linkFile = join(options.farhelmHome, "pairing-link");
  try {
    rmSync(linkFile, { force: true });
    announce(setting, host, linkFile);
    await stop;
  } finally {
    await host.close();
    rmSync(linkFile, { force: true });
  }
}

export function hostOptions(setting: Setting, flags: UpFlags): HostOptions {
  const { env } = setting.outside;
  return {
    listen: parseListen(flags.listen ?? (flags.lan ? "0.0.0.0:7420" : "127.0.0.1:7420")),
    lan: flags.lan,
    publicOrigin: flags.publicOrigin === undefined ? undefined : parseOrigin(flags.publicOrigin),
    allowedHosts: flags.allowedHost,
    trustedProxies: flags.trustProxy,
    allowRemoteHeadless: flags.allowRemoteHeadless,
    defaultCwd: defaultCwd(flags.cwd, setting.startedIn, setting.clone, userHome(env)),
    store: flags.store,
    databaseUrl: env["DATABASE_URL"],
    profile: flags.profile,
    configOverrides: flags.config.map(parseOverride),
    ...homes(env),
    version: setting.version,
  };
}

/** Secrets go to a terminal or to a file that only its owner reads, never into a log. */
function announce({ outside }: Setting, host: RunningHost, linkFile: string): void {
  const { stdout, stderr } = outside;
  stdout.write(`Farhelm is ready on ${host.url}\n`);
  for (const notice of host.notices) stderr.write(`${notice}\n`);
  if (host.pairing === undefined) return;
  if (stdout.isTTY === true) stdout.write(pairingText(host.pairing));
  else stderr.write(`${storeLink(host.pairing, linkFile)}\n`);
}

function storeLink({ url, expiresAtMs }: PairingLink, file: string): string {
  try {
    mkdirSync(join(file, ".."), { recursive: true, mode: 0o700 });
    writeFileSync(file, `${url}\n`, { mode: 0o600, flag: "wx" });
  } catch (error) {
    // On a full disk what was said before can still be read.
    rmSync(file, { force: true });
    return `No device is paired yet, and there is no file with a pairing link: ${explain(error)} Then "npx farhelm pair" makes one.`;
  }
  setTimeout(() => {
    rmSync(file, { force: true });
  }, expiresAtMs - Date.now()).unref();
  const until = new Date(expiresAtMs).toISOString();
  return `No device is paired yet: the pairing link is in ${file} until ${until}; "npx farhelm pair" makes another.`;
}
