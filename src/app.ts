/** The composition root: it builds the implementations and joins them, with the files of `app/`. */
import { hostname } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { closeAll, commandParts } from "./app/commands.ts";
import type { FailureLog } from "./app/failure-log.ts";
import { openConfiguration } from "./app/configuration.ts";
import { failureLog } from "./app/failure-log.ts";
import { keepInstallationId, lockHome, makeHome } from "./app/host-home.ts";
import { devTls, lanNotices, renewDaily } from "./app/lan-tls.ts";
import { createThreads } from "./app/threads.ts";
import { createAccounts } from "./accounts/accounts.ts";
import { createDeviceKeys } from "./accounts/device-keys.ts";
import type { AuditLog } from "./audit/audit-log.ts";
import { openAuditLog } from "./audit/audit-log.ts";
import type { Audit, AuditEntry } from "./audit/port.ts";
import { by, hostActor } from "./audit/port.ts";
import { ReceiptBook } from "./audit/receipts.ts";
import type { Auth } from "./auth/auth.ts";
import { createAuth } from "./auth/auth.ts";
import type { Gatekeeper, PairingDesk } from "./auth/port.ts";
import type { HostOptions, RunningHost } from "./cli/host.ts";
import type { HostSettings } from "./config/host-settings.ts";
import { readHostSettings } from "./config/host-settings.ts";
import type { ConfigReader } from "./config/port.ts";
import type { DevTls } from "./crypto/dev-tls.ts";
import { localNames } from "./crypto/local-names.ts";
import type { Database } from "./db/database.ts";
import { openDatabase } from "./db/database.ts";
import type { FileLock } from "./db/file-lock.ts";
import type { HostFacts } from "./dispatch/context.ts";
import { Dispatcher } from "./dispatch/dispatcher.ts";
import { EventHub } from "./events/event-hub.ts";
import { methods } from "./features/index.ts";
import { createModels } from "./model/models.ts";
import type { Models } from "./model/port.ts";
import { accessGeneration, pairChanged } from "./protocol/connection-notifications.ts";
import { pairingUrl } from "./protocol/pairing-link.ts";
import { SessionRegistry } from "./session/sessions.ts";
import { openStore } from "./store/open-store.ts";
import type { CallLedger } from "./store/port.ts";
import type { TransportOptions } from "./transport/options.ts";
import { defaultPingIntervalMs } from "./transport/options.ts";
import { createTransport } from "./transport/server.ts";
import type { LineLog } from "./util/line-log.ts";
import { createLineLog } from "./util/line-log.ts";

/** Past 1 MiB unsent a connection gets no deltas, past 8 MiB it is closed. */
const mebibyte = 1024 * 1024;
const budget = { softBytes: mebibyte, hardBytes: 8 * mebibyte, answerBytes: 32 * mebibyte };
const limitsOf = ({ pingIntervalMs }: HostFacts) => ({ budget, heartbeatMs: pingIntervalMs });
const clone = fileURLToPath(new URL("..", import.meta.url));
const certsFolder = join(clone, "certs");
/** What was begun when the host was asked to end may take so long: who asks again is not to hear that its outcome is unknown. */
const lastCallsMs = 5_000;

/** Brings a host up. Rejects with an Error whose message says what to do. */
export async function startHost(options: HostOptions): Promise<RunningHost> {
  const { codexHome, farhelmHome } = options;
  makeHome(farhelmHome);
  const settings = readHostSettings(farhelmHome);
  const lock = lockHome(farhelmHome);
  const log = createLineLog(process.stderr, process.env["FARHELM_DEBUG"] === "1");
  const failures = failureLog(log);
  const { config, ...configuration } = openConfiguration(options);
  const audit = await openAuditLog({ farhelmHome, log });
  const database = openDatabase(join(farhelmHome, "farhelm.sqlite"));
  const accounts = createAccounts({ codexHome, env: process.env, config, audit, log });
  const models = createModels({ config, accounts, log: { warn: (text) => log.warn(text, {}) } });
  const kind = options.store ?? settings.store.kind;
  const installation = keepInstallationId(join(farhelmHome, "installation-id"));
  const standardProvider = standardOf(config, models);
  const chosen = { ...options, kind, installation, database, log: failures, standardProvider };
  const { store, ledger } = await openStore(chosen).catch((error) => endWith(audit, error, lock));
  const hub = new EventHub();
  const { tools, clientPorts } = commandParts(options, settings, kind, failures);
  const auth = await authFor(options, settings, { database, audit, log, hub });
  const shared = { options, config, models, store, hub, tools, failures, audit };
  const threads = createThreads({ ...shared, ...auth });
  const tls = options.lan ? await devTls({ farhelmHome, certsFolder }) : undefined;
  const address = addressOf(auth, tls);
  const host = hostFacts(options, settings, installation, address);
  const dispatcher = new Dispatcher(methods, {
    ports: {
      threads,
      models,
      accounts,
      ...configuration.ports,
      devices: auth.devices,
      deviceKeys: createDeviceKeys(join(farhelmHome, "device-keys")),
      pairing: auth.pairing,
      ...clientPorts,
      auditHeads: audit,
      host,
    },
    audit,
    ledger: keptCalls(ledger, auth.gatekeeper, failures),
    holds: (principal) => auth.standing.holds(principal),
    log: failures,
    checkResults: process.env["FARHELM_CHECK_RESULTS"] === "1",
  });
  const sessions = new SessionRegistry({ dispatcher, hub, threads, audit, ...limitsOf(host) });
  const transport = createTransport(transportOptions(options, tls), {
    gatekeeper: auth.gatekeeper,
    authApi: auth.api,
    sessions,
    log,
    audit,
  });
  const { url } = await transport.listen().catch((error) => endWith(audit, error, lock));
  audit.add({ act: "host.start", ...factsOf(options) });
  accounts.begin();
  address.page = url;
  const renewal = tls && renewDaily(transport, address, { farhelmHome, certsFolder });
  return {
    url,
    pairing: auth.devices.hasDevices() ? undefined : firstPairing(auth.pairing, host),
    notices: tls ? lanNotices(url, tls) : [],
    async close() {
      clearInterval(renewal);
      accounts.close();
      configuration.close();
      await transport.close();
      await Promise.all([closeAll(clientPorts), dispatcher.quiet(lastCallsMs)]);
      await threads.close();
      await tools.close();
      await store.close();
      models.close();
      hub.close();
      auth.close();
      database.close();
      audit.add({ act: "host.stop", ...factsOf(options) });
      await audit.close();
      lock.release();
    },
  };
}

/** The provider of those who name none. */
const standardOf = (config: ConfigReader, models: Models) => (): string =>
  config.read().modelProvider ?? models.defaults().modelProvider;

interface AuthParts {
  readonly database: Database;
  readonly audit: Audit;
  readonly log: LineLog;
  readonly hub: EventHub;
}

async function authFor(
  { farhelmHome, allowRemoteHeadless }: HostOptions,
  { approvals, issuers, agents }: HostSettings,
  { database, audit, log, hub }: AuthParts,
): Promise<Auth> {
  const auth = await createAuth({
    database,
    farhelmHome,
    audit,
    foreigners: { issuers, agents },
    log,
    approvals,
    receipts: new ReceiptBook(join(farhelmHome, "audit"), log),
    allowRemoteHeadless,
    onGeneration: (told) => hub.publish(accessGeneration, told),
  });
  auth.pairing.onChange((pairing) => hub.publish(pairChanged, { pairing }));
  return auth;
}

/** Who was revoked does not come back to ask what became of a call. */
function keptCalls(ledger: CallLedger, gatekeeper: Gatekeeper, log: FailureLog): CallLedger {
  gatekeeper.onEnd((id, reason) => {
    if (reason !== "revoked") return;
    ledger.forget(id).catch((error: unknown) => {
      log.error({ err: error }, "the calls of somebody whose access was revoked are still kept");
    });
  });
  return ledger;
}

/** Where the host is found, and by what a device knows it again. */
interface HostAddress {
  /** The origin of its pages; known once it listens. */
  page: string;
  readonly hostFingerprint: string;
  caFingerprint: string | undefined;
}

const addressOf = ({ hostFingerprint }: Auth, tls: DevTls | undefined): HostAddress => ({
  page: "",
  hostFingerprint,
  caFingerprint: tls?.caDigest,
});

function hostFacts(
  options: HostOptions,
  { policy }: HostSettings,
  installationId: string,
  address: HostAddress,
): HostFacts {
  const { version, codexHome, farhelmHome, defaultCwd } = options;
  return {
    version,
    codexHome,
    farhelmHome,
    defaultCwd,
    installationId,
    policy,
    pingIntervalMs: options.pingIntervalMs ?? defaultPingIntervalMs,
    serverName: hostname(),
    get pageOrigin() {
      return address.page;
    },
    pairingUrl: (secret) => pairingUrl(address.page, { ...address, secret }),
  };
}

/** The process ends now: what was noted must be on disk. */
async function endWith(audit: AuditLog, error: unknown, lock: FileLock): Promise<never> {
  await audit.close();
  lock.release();
  throw error;
}

/** What the lines about the start and the end say. */
const factsOf = ({ version }: HostOptions): Omit<AuditEntry, "act"> => ({
  outcome: "done",
  ...by(hostActor),
  about: { version },
});

function transportOptions(options: HostOptions, tls: DevTls | undefined): TransportOptions {
  const { listen, publicOrigin, allowedHosts, trustedProxies, farhelmHome } = options;
  const names = localNames();
  return {
    ...listen,
    trustedProxies,
    allowedHosts: tls ? [...allowedHosts, ...names.dnsNames, ...names.addresses] : allowedHosts,
    dashboardDir: join(clone, "dist", "dashboard"),
    controlSocketPath: join(farhelmHome, "control.sock"),
    ...(publicOrigin === undefined ? {} : { publicOrigin }),
    pingIntervalMs: options.pingIntervalMs ?? defaultPingIntervalMs,
    ...(tls ? { tls: { key: tls.keyPem, cert: tls.certPem }, caPem: tls.caCertPem } : {}),
  };
}

/** Without a code: nobody sits at a terminal to confirm who would type it. */
function firstPairing(pairing: PairingDesk, host: HostFacts): RunningHost["pairing"] {
  const { secret, expiresAtMs } = pairing.offer("admin", hostActor, { withCode: false });
  return { url: host.pairingUrl(secret), expiresAtMs };
}
