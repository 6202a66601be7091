/** What a person sent, as history files spell it. */
import type { UserInput } from "../../protocol/user-input.ts";
import { camelName, listOf, recordOf, snakeName, textOf } from "./members.ts";
import type { Json } from "./members.ts";

function encodePart(part: UserInput): Json {
  const { type, ...members } = part;
  const { detail, ...bare } = members;
  const rest = detail === null ? bare : members;
  if (type === "image" || type === "audio") {
    const { url, fileId, ...others } = rest;
    return {
      type,
      ...(url === undefined ? {} : { [`${type}_url`]: url }),
      ...(fileId === undefined ? {} : { file_id: fileId }),
      ...others,
    };
  }
  return { type: snakeName(type), ...rest };
}

function decodePart(stored: unknown): Json {
  const { type: storedType, ...rest } = recordOf(stored);
  const type = camelName(textOf(storedType) ?? "");
  if (type === "text") {
    return { type, text: rest["text"], text_elements: listOf(rest["text_elements"]), ...rest };
  }
  if (type === "image" || type === "audio") {
    const { image_url: imageUrl, audio_url: audioUrl, file_id: fileId, ...others } = rest;
    const url = imageUrl ?? audioUrl;
    return {
      type,
      ...(url === undefined ? {} : { url }),
      ...(fileId === undefined ? {} : { fileId }),
      ...(type === "image" ? { detail: null } : {}),
      ...others,
    };
  }
  return type === "localImage" ? { type, detail: null, ...rest } : { type, ...rest };
}

export const encodeInput = (parts: readonly UserInput[]): Json[] => parts.map(encodePart);

/** Parts in protocol form; a part of an unknown kind makes the item unreadable and is left out. */
export const decodeInput = (stored: unknown): Json[] =>
  listOf(stored)
    .map(decodePart)
    .filter((part) => known.has(textOf(part["type"]) ?? ""));

const known = new Set(["text", "image", "localImage", "audio", "localAudio", "skill", "mention"]);

/** The text by which a thread is known: what was written, else what kind of thing was sent. */
export function previewOfInput(parts: readonly Json[]): string {
  const text = parts
    .filter((part) => part["type"] === "text")
    .map((part) => textOf(part["text"]) ?? "")
    .join("")
    .trim();
  if (text !== "") return cut(text);
  return parts.some((part) => part["type"] === "image" || part["type"] === "localImage")
    ? "[Image]"
    : "";
}

/** Enough for a list and a search; a message may be a megabyte. */
const maxPreviewChars = 1000;

const cut = (text: string): string =>
  text.length <= maxPreviewChars
    ? text
    : text.slice(0, maxPreviewChars).replace(/[\uD800-\uDBFF]$/, "");
