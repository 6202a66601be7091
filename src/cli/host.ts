/** What the command line asks of the rest of the program. main.ts joins them; tests put in fakes. */
import type { RequirementsSource } from "../config/port.ts";
import type { StoreKind } from "../config/store-kinds.ts";

/** Everything that `farhelm up` can be told. */
export interface HostOptions {
  readonly listen: { readonly host: string; readonly port: number };
  /** Serve the local network over TLS with the development CA. */
  readonly lan: boolean;
  /** The one origin under which browsers reach this host, for example `https://farhelm.example.com`. */
  readonly publicOrigin: string | undefined;
  /** Further names that a Host header may carry, without port. */
  readonly allowedHosts: readonly string[];
  /** Addresses or CIDR ranges of proxies whose X-Forwarded-* headers count. */
  readonly trustedProxies: readonly string[];
  /** Lets headless tokens in from other machines and through proxies. */
  readonly allowRemoteHeadless: boolean;
  /** The agent's folder when a client names none. Absolute, exists. */
  readonly defaultCwd: string;
  /** `key=value` as given with -c, strongest last. */
  readonly configOverrides: readonly string[];
  /** `NAME.config.toml` beside config.toml lies over it. */
  readonly profile?: string | undefined;
  /** Where the machine's owner keeps config.toml, managed_config.toml and requirements.toml; absent: /etc/codex. */
  readonly systemFolder?: string;
  /** Requirements from elsewhere; they are stronger than the machine's own. */
  readonly requirementsSource?: RequirementsSource;
  /** Where threads are kept; undefined: as farhelm.toml says. */
  readonly store: StoreKind | undefined;
  /** DATABASE_URL, with user and password. */
  readonly databaseUrl: string | undefined;
  readonly codexHome: string;
  readonly farhelmHome: string;
  /** Farhelm's own version. */
  readonly version: string;
  /** How often connections are pinged; absent: every 20 s. */
  readonly pingIntervalMs?: number;
}

export interface PairingLink {
  /** Holds a secret in its fragment. */
  readonly url: string;
  /** Unix time in milliseconds. */
  readonly expiresAtMs: number;
}

export interface RunningHost {
  /** The canonical address, for people. */
  readonly url: string;
  /** A link that admits the first admin; undefined when a device exists. */
  readonly pairing: PairingLink | undefined;
  /** Sentences that whoever started the host should read, for example the CA's fingerprint. */
  readonly notices: readonly string[];
  /** Closes sockets with 1001, ends what runs, resolves when all is stored. */
  close(): Promise<void>;
}

/** One text message per call. */
export interface ControlSocket {
  send(text: string): void;
  onMessage(listener: (text: string) => void): void;
  onClose(listener: (reason: string) => void): void;
  close(): void;
}

/** `dir`: the folder with the log. */
export interface VerifyAuditOptions {
  readonly dir: string;
  /** A head that a device kept, or the path of a file that holds it. */
  readonly head?: string;
  /** The path of a public key. */
  readonly key?: string;
}

export interface ExportAuditOptions {
  readonly dir: string;
  readonly format: "jsonl" | "csv";
  /** Unix times in milliseconds. */
  readonly sinceMs?: number;
  readonly untilMs?: number;
}

/** Everything that `farhelm attach` can be told. */
export interface AttachOptions {
  /** A pairing link, or the address of a host that is paired already. */
  readonly address: string;
  readonly farhelmHome: string;
  /** Absolute; undefined: one per host in `farhelmHome`. */
  readonly socketPath: string | undefined;
  /** What the host's admin sees. */
  readonly deviceName: string;
  /** Ends a pairing that waits; the promise rejects with its reason. */
  readonly signal: AbortSignal;
  /** An admin of the host must confirm, until then (Unix milliseconds); both ends show the words. */
  readonly onWait: (wait: { readonly words: readonly string[]; readonly untilMs: number }) => void;
  /** A client was not let through. */
  readonly onRefused: (error: Error) => void;
}

export interface Attachment {
  /** Scheme, host and port of the host. */
  readonly origin: string;
  readonly socketPath: string;
  /** The device was paired just now. */
  readonly isNew: boolean;
  /** Resolves with the reason when the host lets this device in no more. */
  readonly ended: Promise<Error>;
  /** Ends the connections and takes the socket away. */
  close(): Promise<void>;
}

export interface Outside {
  readonly env: NodeJS.ProcessEnv;
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly stderr: NodeJS.WritableStream;
  /** One line that a person types at the terminal; undefined where nobody sits at one. Rejects when `signal` aborts. */
  readonly ask: ((question: string, signal: AbortSignal) => Promise<string>) | undefined;
  /** Rejects when the address is taken, a folder cannot be written, or another host runs for this home. */
  startHost(options: HostOptions): Promise<RunningHost>;
  /** Rejects with `Refused`, `Unreachable`, or an Error with a sentence. */
  attach(options: AttachOptions): Promise<Attachment>;
  /** Writes JSON Schema and TypeScript of the whole protocol; returns the files' paths. */
  writeSchema(folder: string): Promise<readonly string[]>;
  /** Says that the log is in order. Rejects with a sentence that names the first line that is not. */
  verifyAudit(options: VerifyAuditOptions): Promise<string>;
  /** The log as text, line by line. */
  exportAudit(options: ExportAuditOptions): Promise<Iterable<string>>;
  /** Asks each issuer of farhelm.toml for its keys. Rejects when that file cannot be read. */
  checkIssuers(farhelmHome: string): Promise<
    readonly {
      readonly iss: string;
      readonly usableKeys: number;
      /** Why there are none at all. */
      readonly why?: string;
    }[]
  >;
  /** Says where threads are kept, once that can be reached. Rejects with a sentence. */
  checkStore(store: {
    readonly kind: StoreKind;
    readonly databaseUrl: string | undefined;
  }): Promise<string>;
  /** Says how commands are confined here. Rejects with a sentence where they cannot be. */
  checkSandbox(path: string | undefined): Promise<string>;
  /** Opens a WebSocket over the Unix socket at `path`. Rejects with the system's error. */
  openControlSocket(path: string): Promise<ControlSocket>;
  /** Resolves at the first SIGINT or SIGTERM; the second ends the process at once. */
  untilAskedToStop(): Promise<void>;
}
