/** One sentence for the person at the terminal: what is wrong and what to do. */
export class CliError extends Error {
  override readonly name = "CliError";
}

const denied = (path: string): string =>
  `Permission denied${path}; make it yours, choose another folder with FARHELM_HOME or CODEX_HOME, or take a port above 1023.`;

const full = (path: string): string => `The disk is full${path}; free some space and start again.`;

const sentences: Readonly<Record<string, (path: string) => string>> = {
  ENOSPC: full,
  EDQUOT: (path) => `Your disk quota is used up${path}; free some space and start again.`,
  EROFS: (path) =>
    `The file system is read-only${path}; choose another folder with FARHELM_HOME or CODEX_HOME.`,
  EACCES: denied,
  EPERM: denied,
  SQLITE_FULL: full,
  EEXIST: (path) =>
    `A file stands where a folder must be${path}; move it, or choose another folder with FARHELM_HOME or CODEX_HOME.`,
  ENOTDIR: (path) => `A part of the path is not a folder${path}; choose another one.`,
  EADDRNOTAVAIL: () =>
    "This machine does not have the address of --listen; choose one of its own, for example 127.0.0.1:7420.",
  ENOTFOUND: () => "The host name of --listen is not known here; give an address instead.",
};

/** The sentence for `error`. A local error's own message is a sentence already. */
export function explain(error: unknown): string {
  for (let current = error; current instanceof Error; current = current.cause) {
    const { code, path, port } = systemFacts(current);
    if (code === "EADDRINUSE" && port !== undefined)
      return `Port ${port} is taken; stop what uses it or choose another with --listen 127.0.0.1:PORT.`;
    const sentence = code === undefined ? undefined : sentences[code];
    if (sentence) return sentence(path === undefined ? "" : ` (${path})`);
  }
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n", 1)[0] || "Something failed and did not say what.";
}

function systemFacts(error: Error): { code?: string; path?: string; port?: number } {
  return {
    ...("code" in error && typeof error.code === "string" ? { code: error.code } : {}),
    ...("path" in error && typeof error.path === "string" ? { path: error.path } : {}),
    ...("port" in error && typeof error.port === "number" ? { port: error.port } : {}),
  };
}
