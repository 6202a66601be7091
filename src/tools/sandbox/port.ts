/** What keeps a command to a profile: files by their paths, the network, the machine's other processes. */
import type { Server } from "node:net";
import type { PathRules } from "../../permissions/path-access.ts";
import type { SandboxState } from "../../permissions/sandbox-state.ts";

export interface SandboxRequest {
  /** Program and arguments. A program without a folder is looked for inside, on the PATH of `environment`. */
  readonly command: readonly string[];
  /** Absolute. */
  readonly cwd: string;
  /** With paths as the profile names them: the sandbox follows symlinks itself, but none that a command may have put there. */
  readonly rules: PathRules;
  /** All of it, none, or what a proxy lets through. */
  readonly network: boolean | ProxiedNetwork;
  readonly environment: Readonly<Record<string, string>>;
  /** `/tmp` is empty, and gone with the command. */
  readonly privateTmp?: boolean;
}

/** Takes the connections of one command, which has no other network. The sandbox closes it with the command, or when that did not start. */
export interface ProxiedNetwork {
  /** What lets programs find the proxy, at this port of the command's own loopback. */
  environment(port: number): Readonly<Record<string, string>>;
  /** Called once. */
  serve(listener: Server): void;
  close(): void;
}

/** What to start instead: it must lead a session of its own, so that no terminal of the host's is in its reach. */
export interface Confined {
  /** The program is an absolute path. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Called once, when the process has ended or did not start. */
  readonly release: () => void;
}

export interface Sandbox {
  /** What works is looked at once, what does not again after some seconds; `anew`: now. */
  state(anew?: boolean): Promise<SandboxState>;
  /** Rejects with `SandboxError` where the rules cannot be kept: the command must not run then. */
  confine(request: SandboxRequest): Promise<Confined>;
}

/** Why a command cannot be confined as asked, and what to do about it. */
export class SandboxError extends Error {
  override readonly name = "SandboxError";
}
