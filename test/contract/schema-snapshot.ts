/** What is known of the wire that was agreed on: its version, and a digest of every file of its schema. */
import { createHash } from "node:crypto";

export interface SchemaPin {
  readonly protocolVersion: number;
  /** True once a release spoke this version: from then on a change needs the next number. */
  readonly released: boolean;
  /** Over all files, with their names. */
  readonly sha256: string;
  /** The first 16 digits of each file's own SHA-256, so that a change can be named. */
  readonly files: Readonly<Record<string, string>>;
}

export const updateCommand =
  "FARHELM_PIN_SCHEMA=1 npx vitest run --config test/vitest.config.ts --root . test/contract/schema-snapshot.test.ts";

export function pinOf(
  files: ReadonlyMap<string, string>,
  protocolVersion: number,
  released: boolean,
): SchemaPin {
  const texts = [...files];
  return {
    protocolVersion,
    released,
    sha256: sha256(texts.map(([file, text]) => `${file}\n${text}`).join("\n")),
    files: Object.fromEntries(texts.map(([file, text]) => [file, sha256(text).slice(0, 16)])),
  };
}

/** Why `current` does not stand as it was pinned, with what to do; undefined when it does. */
export function differenceFrom(pinned: SchemaPin, current: SchemaPin): string | undefined {
  const changed = changedFiles(pinned.files, current.files);
  const sameVersion = pinned.protocolVersion === current.protocolVersion;
  if (changed.length === 0 && pinned.sha256 === current.sha256 && sameVersion) return undefined;
  const what =
    changed.length > 0
      ? `The wire changed: ${changed.join(", ")}.`
      : `The wire is as pinned, but its version is ${current.protocolVersion} and not ${pinned.protocolVersion}.`;
  const raise =
    changed.length > 0 && sameVersion && pinned.released
      ? `raise farhelmProtocolVersion in src/protocol/generation.ts (version ${pinned.protocolVersion} is released and stays as it is), then run`
      : "run";
  return `${what} If that was meant: say it in PROTOCOL.md, ${raise}\n  ${updateCommand}\nand commit test/contract/schema-snapshot.json with the change. If not: take the change back.`;
}

/** The pin that takes the place of `pinned`. Throws when a released version would change. */
export function nextPin(pinned: SchemaPin | undefined, current: SchemaPin): SchemaPin {
  if (!pinned || pinned.protocolVersion !== current.protocolVersion) return current;
  if (pinned.released && pinned.sha256 !== current.sha256) {
    throw new Error(
      `Version ${pinned.protocolVersion} is released: raise farhelmProtocolVersion in src/protocol/generation.ts first.`,
    );
  }
  return { ...current, released: pinned.released };
}

function changedFiles(before: SchemaPin["files"], after: SchemaPin["files"]): readonly string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names]
    .filter((name) => before[name] !== after[name])
    .toSorted()
    .map((name) =>
      before[name] === undefined
        ? `${name} is new`
        : after[name] === undefined
          ? `${name} is gone`
          : `${name} differs`,
    );
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
