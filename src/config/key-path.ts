/** The `keyPath` of a config edit: segments between dots; double quotes, with backslash escapes, hold a segment's dots together. */
import { ConfigWriteError } from "./port.ts";

/** At least one segment, none empty. Throws `ConfigWriteError`. */
export function parseKeyPath(keyPath: string): readonly string[] {
  if (keyPath.trim() === "") throw invalid("keyPath must not be empty");
  const segments: string[] = [];
  let segment = "";
  let isQuoted = false;
  for (let index = 0; index < keyPath.length; index += 1) {
    const character = keyPath.charAt(index);
    if (character === '"') isQuoted = !isQuoted;
    else if (isQuoted && character === "\\" && index + 1 < keyPath.length) {
      index += 1;
      segment += keyPath.charAt(index);
    } else if (character === "." && !isQuoted) {
      segments.push(segment);
      segment = "";
    } else segment += character;
  }
  if (isQuoted) throw invalid("unterminated quoted keyPath segment");
  segments.push(segment);
  if (segments.includes("")) throw invalid("keyPath segments must not be empty");
  if (segments.includes("__proto__"))
    throw invalid("keyPath segments must not be `__proto__`; nothing reads a setting of that name");
  return segments;
}

const invalid = (message: string): ConfigWriteError =>
  new ConfigWriteError("configValidationError", message);
