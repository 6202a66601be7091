/** What `doctor` looks at of time, certificates and file modes. */
import { X509Certificate } from "node:crypto";
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { protocolGeneration } from "../protocol/generation.ts";

export interface Finding {
  readonly state: "ok" | "note" | "FAIL";
  readonly text: string;
}

const dayMs = 24 * 60 * 60 * 1000;
/** File systems and clocks need not agree to the second. */
const slackMs = 60_000;

export const versions = (own: string): Finding => ({
  state: "ok",
  text: `Farhelm ${own}, protocol ${protocolGeneration}`,
});

/** What runs was read at its start: an update counts only after the next one. */
export function hostVersion(own: string, running: string): Finding {
  if (running === own) return { state: "ok", text: `a host is running, Farhelm ${running}` };
  return {
    state: "FAIL",
    text: `the running host is Farhelm ${running}, this command is ${own}; stop it and start it again from this folder (npm start)`,
  };
}

/** A clock that went back makes every token one of the future: nobody gets in. */
export function clock(farhelmHome: string, nowMs: number): Finding {
  const newestMs = Math.max(0, ...filesIn(farhelmHome).map((file) => statSync(file).mtimeMs));
  if (newestMs <= nowMs + slackMs) return { state: "ok", text: "clock" };
  const aheadS = Math.round((newestMs - nowMs) / 1000);
  return {
    state: "FAIL",
    text: `the clock is ${aheadS} s behind what was written to ${farhelmHome}; set it right (timedatectl set-ntp true): tokens and certificates depend on it`,
  };
}

/** Keys and state that others may read. */
export function secretFiles(farhelmHome: string): Finding {
  const open = filesIn(farhelmHome).filter(
    (file) => !/\.(sock|lock|lock-journal|crt)$/.test(file) && (statSync(file).mode & 0o077) !== 0,
  );
  const [first] = open;
  if (first === undefined) return { state: "ok", text: "files of FARHELM_HOME are its owner's" };
  return {
    state: "FAIL",
    text: `${open.length} files of FARHELM_HOME are open to others, ${first} among them; chmod -R go= ${farhelmHome}`,
  };
}

/** The certificate of `--lan`. A running host renews it by itself. */
export function certificate(farhelmHome: string, nowMs: number): Finding {
  const file = join(farhelmHome, "tls", "host.crt");
  if (!existsSync(file)) {
    return { state: "note", text: "TLS: no certificate; --lan makes one, loopback needs none" };
  }
  try {
    const { validTo } = new X509Certificate(readFileSync(file));
    const leftDays = Math.floor((Date.parse(validTo) - nowMs) / dayMs);
    if (leftDays >= 0) return { state: "ok", text: `TLS: certificate good for ${leftDays} days` };
    return {
      state: "FAIL",
      text: "TLS: the certificate has expired; start with --lan again, which makes a new one",
    };
  } catch {
    return {
      state: "FAIL",
      text: `TLS: ${file} cannot be read; move it away and start with --lan again`,
    };
  }
}

/** Of the folder and of those right below it. */
function filesIn(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (!entry.isDirectory()) return [path];
    return readdirSync(path, { withFileTypes: true })
      .filter((below) => !below.isDirectory())
      .map((below) => join(path, below.name));
  });
}
