/** The composition root: the only file that builds implementations and joins them. */
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createAccounts } from "./accounts/accounts.ts";
import { createDeviceKeys } from "./accounts/device-keys.ts";
import type { AuditLog } from "./audit/audit-log.ts";
import { openAuditLog } from "./audit/audit-log.ts";
import type { Audit, AuditEntry } from "./audit/port.ts";
import { by, hostActor } from "./audit/port.ts";
import { ReceiptBook } from "./audit/receipts.ts";
import type { Auth } from "./auth/auth.ts";
import { createAuth } from "./auth/auth.ts";
import type { ApprovalNotary, Gatekeeper, PairingDesk, Standing } from "./auth/port.ts";
import type { HostOptions, RunningHost } from "./cli/host.ts";
import { createConfigReader } from "./config/config-reader.ts";
import type { HostSettings } from "./config/host-settings.ts";
import { readHostSettings } from "./config/host-settings.ts";
import type { StoreKind } from "./config/store-kinds.ts";
import type { ConfigReader } from "./config/port.ts";
import type { DevTls } from "./crypto/dev-tls.ts";
import { localNames } from "./crypto/local-names.ts";
import { createPrivateFile, readPrivateFile, sweepParts } from "./crypto/private-file.ts";
import type { Database } from "./db/database.ts";
import { openDatabase } from "./db/database.ts";
import type { FileLock } from "./db/file-lock.ts";
import { holdFile } from "./db/file-lock.ts";
import type { HostFacts } from "./dispatch/context.ts";
import { Dispatcher } from "./dispatch/dispatcher.ts";
import { EventHub } from "./events/event-hub.ts";
import { methods } from "./features/index.ts";
import { createModels } from "./model/models.ts";
import type { Models } from "./model/port.ts";
import { protocolGeneration } from "./protocol/generation.ts";
import { accessGeneration, pairChanged } from "./protocol/connection-notifications.ts";
import { pairingUrl } from "./protocol/pairing-link.ts";
import { SessionRegistry } from "./session/sessions.ts";
import { commandsEnv, openStore } from "./store/open-store.ts";
import type { CallLedger, ThreadStore } from "./store/port.ts";
import { ApprovalDesk } from "./threads/approval-desk.ts";
import { projectDocs } from "./threads/instructions.ts";
import { ThreadLoader } from "./threads/thread-loader.ts";
import { ThreadManager } from "./threads/thread-manager.ts";
import type { TurnPorts } from "./threads/turn-ports.ts";
import { createClientProcesses } from "./tools/client-processes.ts";
import type { Tools } from "./tools/port.ts";
import { createTools } from "./tools/registry.ts";
import { turnDiff } from "./tools/turn-diff.ts";
import type { TransportOptions } from "./transport/options.ts";
import { defaultPingIntervalMs } from "./transport/options.ts";
import type { Transport } from "./transport/server.ts";
import { createTransport } from "./transport/server.ts";
import type { LineLog } from "./util/line-log.ts";
import { createLineLog } from "./util/line-log.ts";
import { makePrivateFolder } from "./util/private-folder.ts";

/** Past 1 MiB unsent a connection gets no deltas, past 8 MiB it is closed. */
const mebibyte = 1024 * 1024;
const budget = { softBytes: mebibyte, hardBytes: 8 * mebibyte, answerBytes: 32 * mebibyte };
const limitsOf = ({ pingIntervalMs }: HostFacts) => ({ budget, heartbeatMs: pingIntervalMs });
const clone = fileURLToPath(new URL("..", import.meta.url));
/** What was begun when the host was asked to end may take so long: who asks again is not to hear that its outcome is unknown. */
const lastCallsMs = 5_000;
const oneDayMs = 24 * 60 * 60 * 1000;

/** Brings a host up. Rejects with an Error whose message says what to do. */
export async function startHost(options: HostOptions): Promise<RunningHost> {
  const { codexHome, farhelmHome } = options;
  makeHome(farhelmHome);
  const settings = readHostSettings(farhelmHome);
  const lock = lockHome(farhelmHome);
  for (const folder of ["", "tls", "audit"]) sweepParts(join(farhelmHome, folder));
  const log = createLineLog(process.stderr, process.env["FARHELM_DEBUG"] === "1");
  const failures = failureLog(log);
  const config = configOf(options);
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
  const { tools, processes } = commandParts(options, kind, failures);
  const auth = await authFor(options, settings, { database, audit, log, hub });
  const shared = { options, config, models, store, hub, tools, failures, audit };
  const threads = createThreads({ ...shared, ...auth });
  const tls = options.lan ? await devTls(farhelmHome) : undefined;
  const address = addressOf(auth, tls);
  const host = hostFacts(options, settings, installation, address);
  const dispatcher = new Dispatcher(methods, {
    ports: {
      threads,
      models,
      accounts,
      config,
      devices: auth.devices,
      deviceKeys: createDeviceKeys(join(farhelmHome, "device-keys")),
      pairing: auth.pairing,
      processes,
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
  const renewal = tls && renewDaily(transport, address, farhelmHome);
  return {
    url,
    pairing: auth.devices.hasDevices() ? undefined : firstPairing(auth.pairing, host),
    notices: tls ? lanNotices(url, tls) : [],
    async close() {
      clearInterval(renewal);
      accounts.close();
      await transport.close();
      await Promise.all([processes.close(), dispatcher.quiet(lastCallsMs)]);
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

const configOf = ({ codexHome, systemFolder, configOverrides, profile }: HostOptions) =>
  createConfigReader({
    codexHome,
    systemFolder: systemFolder ?? "/etc/codex",
    sessionFlags: configOverrides,
    profile,
  });

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

interface ThreadParts {
  readonly options: HostOptions;
  readonly config: ConfigReader;
  readonly models: Models;
  readonly store: ThreadStore;
  readonly hub: EventHub;
  readonly tools: Tools;
  readonly failures: FailureLog;
  readonly audit: Audit;
  readonly notary: ApprovalNotary;
  readonly standing: Standing;
  readonly gatekeeper: Gatekeeper;
}

function createThreads(parts: ThreadParts): ThreadManager {
  const { options, config, models, store, hub, tools, failures, audit, notary, standing } = parts;
  const { codexHome, defaultCwd } = options;
  const docs: TurnPorts["docs"] = (cwd) => {
    const { projectRootMarkers: rootMarkers, projectDocMaxBytes: maxBytes } = config.read();
    return projectDocs({ codexHome, cwd, rootMarkers, maxBytes });
  };
  const loader = new ThreadLoader({
    store,
    publisher: hub,
    models,
    config,
    defaultCwd,
    docs,
    cliVersion: protocolGeneration,
  });
  const ports: TurnPorts = {
    publisher: hub,
    models,
    tools,
    desk: new ApprovalDesk(hub, audit, notary),
    log: failures,
    maySend: (principalId) => standing.maySend(principalId),
    goalsOn: () => config.read().goals,
    docs,
    diffOf: turnDiff,
  };
  const threads = new ThreadManager(ports, store, loader);
  parts.gatekeeper.onEnd(() => dropUnsendable(threads, failures));
  unloadIdle(threads, failures);
  return threads;
}

/** As often as a thread's shortest delay can be: a second. */
const idleCheckMs = 1_000;

/** Takes threads out of memory that nobody needs there, until the process ends. */
function unloadIdle(threads: ThreadManager, log: FailureLog): void {
  let isAtWork = false;
  const check = setInterval(() => {
    if (isAtWork) return;
    isAtWork = true;
    threads
      .unloadIdle()
      .catch((error: unknown) => log.error({ err: error }, "an idle thread was not unloaded"))
      .finally(() => {
        isAtWork = false;
      });
  }, idleCheckMs);
  threads.onClose(() => clearInterval(check));
  check.unref();
}

/** What somebody whose access ended had put into queues does not begin any more. */
function dropUnsendable(threads: ThreadManager, log: FailureLog): void {
  threads.queue.dropUnsendable().catch((error: unknown) => {
    log.error({ err: error }, "messages of somebody whose access ended still wait");
  });
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

interface FailureLog {
  error(fields: object, event: string): void;
  warn(fields: object, event: string): void;
}

const failureLog = (log: LineLog): FailureLog => ({
  error: (fields, event) => log.error(event, fields),
  warn: (fields, event) => log.warn(event, fields),
});

/** With another store than the local one nothing of a thread is written under the homes, not even for a moment. */
function commandParts({ codexHome, farhelmHome }: HostOptions, kind: StoreKind, log: FailureLog) {
  const env = commandsEnv(kind, process.env);
  const protectedPaths = [farhelmHome, join(codexHome, "auth.json")];
  const journal = kind === "local" ? { patchJournalFolder: join(farhelmHome, "patches") } : {};
  return {
    tools: createTools({ log, protectedPaths, env, ...journal }),
    processes: createClientProcesses({ protectedPaths, env }),
  };
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

/** A UUID made at the first start and kept. */
const keepInstallationId = (file: string): string =>
  (readPrivateFile(file) ?? createPrivateFile(file, randomUUID())).trim();

/** What the lines about the start and the end say. */
const factsOf = ({ version }: HostOptions): Omit<AuditEntry, "act"> => ({
  outcome: "done",
  ...by(hostActor),
  about: { version },
});

/** Loaded only where it is wanted: the certificate library costs more than the rest of the start. */
async function devTls(farhelmHome: string): Promise<DevTls> {
  const { keepDevTls } = await import("./crypto/dev-tls.ts");
  return keepDevTls({
    farhelmHome,
    certsFolder: join(clone, "certs"),
    names: localNames(),
    nowMs: Date.now(),
  });
}

function renewDaily(
  transport: Transport,
  address: HostAddress,
  farhelmHome: string,
): NodeJS.Timeout {
  const renew = async (): Promise<void> => {
    const { keyPem, certPem, caDigest } = await devTls(farhelmHome);
    address.caFingerprint = caDigest;
    transport.renewTls({ key: keyPem, cert: certPem });
  };
  return setInterval(() => void renew(), oneDayMs).unref();
}

function makeHome(farhelmHome: string): void {
  try {
    makePrivateFolder(farhelmHome);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(
      `FARHELM_HOME=${farhelmHome} cannot be made (${why}); choose a folder that you can write to`,
      { cause: error },
    );
  }
}

/** One host per home: two would give one thread two writers. */
function lockHome(farhelmHome: string): FileLock {
  const lock = holdFile(join(farhelmHome, "host.lock"));
  if (lock) return lock;
  throw new Error(
    `another host is running for FARHELM_HOME=${farhelmHome}: stop it, or give this one a home of its own`,
  );
}

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

const lanNotices = (url: string, tls: DevTls): readonly string[] => [
  `Other machines trust this host once they have its authority: ${url}/ca.crt`,
  `SHA-256 of the authority, to compare before installing it: ${tls.caFingerprint}`,
  ...(tls.omitted.length > 0 ? [`Not certified: ${tls.omitted.join(", ")}`] : []),
];
