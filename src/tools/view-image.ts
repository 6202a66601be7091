/** `view_image`: hands a picture on disk to the model. */
import { resolve } from "node:path";
import { ItemId } from "../protocol/ids.ts";
import type { ImageViewItem } from "../protocol/item.ts";
import type { ToolCall, ToolContext, ToolOutput } from "./port.ts";
import { realPath } from "../util/real-path.ts";
import { unreachable } from "../util/unreachable.ts";
import type { ClosedFiles, WhyClosed } from "./closed-files.ts";
import { type JudgedFile, readJudged } from "./judged-file.ts";
import { Arguments, CallError } from "./tool-arguments.ts";

const maxImageBytes = 10 * 1024 * 1024;

export async function viewImage(
  call: ToolCall,
  context: ToolContext,
  closed: ClosedFiles,
): Promise<ToolOutput> {
  const path = resolve(context.cwd, new Arguments(call.arguments).text("path"));
  const bytes = readImage(path, closed(context));
  const mediaType = mediaTypeOf(bytes);
  if (mediaType === undefined) {
    throw new CallError(
      `unable to process image at \`${path}\`: it is not a PNG, JPEG, GIF or WebP file`,
    );
  }
  const item: ImageViewItem = {
    type: "imageView",
    id: ItemId.parse(call.callId),
    path,
    startedAtMs: Date.now(),
    completedAtMs: null,
  };
  context.itemStarted(item);
  await context.itemCompleted({ ...item, completedAtMs: Date.now() });
  const url = `data:${mediaType};base64,${bytes.toString("base64")}`;
  return { output: [{ type: "input_image", image_url: url, detail: "high" }] };
}

function readImage(path: string, whyClosed: WhyClosed): Buffer {
  const read = judgedImage(path, whyClosed);
  switch (read.kind) {
    case "absent":
      throw new CallError(`unable to locate image at \`${path}\`: there is no such file`);
    case "closed":
      throw new CallError(`\`${path}\` ${read.why}; choose another file`);
    case "otherKind":
      throw new CallError(`image path \`${path}\` is not a file`);
    case "tooLarge":
      throw new CallError(
        `the image at \`${path}\` is larger than 10 MB; make a smaller copy and view that`,
      );
    case "changed":
      throw new CallError(`the image at \`${path}\` changed while it was read; try again`);
    case "read":
      return read.bytes;
    default:
      return unreachable(read);
  }
}

function judgedImage(path: string, whyClosed: WhyClosed): JudgedFile {
  try {
    return readJudged(realPath(path), whyClosed, maxImageBytes);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new CallError(`unable to locate image at \`${path}\`: ${detail}`, { cause: error });
  }
}

/** By the first bytes: a name says nothing. */
function mediaTypeOf(bytes: Buffer): string | undefined {
  if (bytes.subarray(0, 8).equals(Buffer.from("89504e470d0a1a0a", "hex"))) return "image/png";
  if (bytes.subarray(0, 3).equals(Buffer.from("ffd8ff", "hex"))) return "image/jpeg";
  const start = bytes.toString("latin1", 0, 12);
  if (start.startsWith("GIF87a") || start.startsWith("GIF89a")) return "image/gif";
  return start.startsWith("RIFF") && start.endsWith("WEBP") ? "image/webp" : undefined;
}
