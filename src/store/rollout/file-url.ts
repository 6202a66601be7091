/** Paths as `file://` URLs, the way newer rollouts write them. */
import { fileURLToPath, pathToFileURL } from "node:url";

export const fileUrlOf = (path: string): string =>
  path.startsWith("/") ? pathToFileURL(path).href : path;

/** The path; anything that is no local file URL is returned as it is. */
export function pathOfFileUrl(text: string): string {
  if (!text.startsWith("file://")) return text;
  try {
    return fileURLToPath(text);
  } catch {
    return text;
  }
}
