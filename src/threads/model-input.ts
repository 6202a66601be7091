import { readFile } from "node:fs/promises";
import { basename, extname, resolve } from "node:path";
import { RpcError } from "../protocol/errors.ts";
import type { ModelItem } from "../protocol/model-item.ts";
import type { UserInput } from "../protocol/user-input.ts";
import { unreachable } from "../util/unreachable.ts";

type Part = { readonly type: string; readonly [member: string]: unknown };

/** The stock server's limit on the text of one turn. */
const maxInputChars = 1_048_576;
const maxImageBytes = 20 * 1024 * 1024;

const imageTypes: Readonly<Record<string, string>> = {
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".jpeg": "image/jpeg",
  ".gif": "image/gif",
  ".webp": "image/webp",
};

/** Throws where a person's input is over the limit. */
export function checkInputSize(input: readonly UserInput[]): void {
  const actualChars = input.reduce(
    (sum, part) => sum + (part.type === "text" ? Array.from(part.text).length : 0),
    0,
  );
  if (actualChars <= maxInputChars) return;
  throw new RpcError(
    "invalidParams",
    `Input exceeds the maximum length of ${maxInputChars} characters.`,
    {
      data: {
        input_error_code: "input_too_large",
        max_chars: maxInputChars,
        actual_chars: actualChars,
      },
    },
  );
}

/** What a person sent, as the model is given it. A file that cannot be read is said in its place. */
export async function userMessageForModel(
  input: readonly UserInput[],
  cwd: string,
): Promise<ModelItem> {
  const parts = await Promise.all(input.map((part) => partsOf(part, cwd)));
  return { type: "message", role: "user", content: parts.flat() };
}

async function partsOf(part: UserInput, cwd: string): Promise<readonly Part[]> {
  switch (part.type) {
    case "text":
      return [text(part.text)];
    case "image":
      return part.url
        ? [{ type: "input_image", image_url: part.url }]
        : [text(`[image ${part.fileId ?? ""} cannot be sent to this model]`)];
    case "localImage":
      return localImage(resolve(cwd, part.path));
    case "audio":
    case "localAudio":
      return [text("[audio cannot be sent to this model]")];
    case "skill":
    case "mention":
      return [text(`[${part.type} ${part.name}: ${part.path}]`)];
    default:
      return unreachable(part);
  }
}

async function localImage(path: string): Promise<readonly Part[]> {
  const mime = imageTypes[extname(path).toLowerCase()];
  if (!mime) return [text(`[${path} is not an image of a kind that can be sent]`)];
  try {
    const bytes = await readFile(path);
    if (bytes.length > maxImageBytes) return [text(`[${path} is larger than 20 MiB]`)];
    return [
      text(`<image name="${basename(path)}">`),
      { type: "input_image", image_url: `data:${mime};base64,${bytes.toString("base64")}` },
      text("</image>"),
    ];
  } catch {
    return [text(`[${path} cannot be read]`)];
  }
}

const text = (value: string): Part => ({ type: "input_text", text: value });
