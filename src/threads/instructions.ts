/** What the model is told before the conversation: who it is, where it works, what the project asks. */
import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { StringDecoder } from "node:string_decoder";
import { isInside } from "../permissions/path-access.ts";
import { isProtected } from "../permissions/protected-paths.ts";
import type { ModelItem } from "../protocol/model-item.ts";
import { realPath } from "../util/real-path.ts";
import { readSmallFile } from "../util/small-file.ts";

export interface ProjectDoc {
  readonly path: string;
  readonly text: string;
}

export interface DocOptions {
  readonly codexHome: string;
  readonly cwd: string;
  /** Names whose presence marks a project's root, `.git` by default. */
  readonly rootMarkers: readonly string[];
  /** All documents together are cut at this many bytes. */
  readonly maxBytes: number;
  /** The host's own files and folders: nothing of theirs is a document. */
  readonly protectedPaths: readonly string[];
}

const docName = "AGENTS.md";

export const baseInstructions = `You are a coding agent that works on a person's development machine through Farhelm, a remote control.
You read and change files and run commands with the tools that you are given; the person may be far away and see your work on a phone.

- Say in one short sentence what you are about to do before you call tools, and sum up the outcome when you are done.
- Run commands with exec_command. It runs \`bash -lc\`. Prefer rg for searching.
- Change files with apply_patch. Where it is not offered as a tool of its own, call exec_command with: apply_patch <<'EOF' ... EOF
  A patch reads: *** Begin Patch, then *** Add File: PATH with + lines, *** Delete File: PATH, or *** Update File: PATH with @@ hunks of context, - and + lines, then *** End Patch.
- A command that needs more than the sandbox allows is asked for with sandbox_permissions "require_escalated" and a justification that a person can judge at a glance.
- Keep to the conventions of the project. Do not undo changes that you did not make. Do not commit unless you are asked to.
- If something fails, say what failed and what you would try next instead of repeating it blindly.`;

/**
 * AGENTS.md of the home, then from the project's root down to `cwd`; missing files are skipped. A command may have put
 * anything in the project under that name, so one that leads out of it is as good as missing.
 */
export async function projectDocs(options: DocOptions): Promise<readonly ProjectDoc[]> {
  const { codexHome, protectedPaths } = options;
  const folders = await foldersDownTo(options);
  const own = join(codexHome, docName);
  const isOfProject = (real: string): boolean =>
    real === realPath(own) || folders.some((folder) => isInside(realPath(folder), real));
  const docs: ProjectDoc[] = [];
  let leftBytes = options.maxBytes;
  for (const path of [own, ...folders.map((folder) => join(folder, docName))]) {
    if (leftBytes <= 0) break;
    const bytes = readSmallFile(path, {
      maxBytes: leftBytes,
      followsLink: true,
      admits: (real, stats) =>
        (path === own || isOfProject(real)) && !isProtected(real, protectedPaths, stats),
    });
    if (!bytes || bytes.length === 0) continue;
    // the decoder holds back a character that the limit cuts in two
    docs.push({ path, text: new StringDecoder("utf8").write(bytes) });
    leftBytes -= bytes.length;
  }
  return docs;
}

async function foldersDownTo({ cwd, rootMarkers }: DocOptions): Promise<readonly string[]> {
  const up = [cwd];
  for (let folder = cwd; ; folder = dirname(folder)) {
    const marks = await Promise.all(
      rootMarkers.map((marker) =>
        stat(join(folder, marker)).then(
          () => true,
          () => false,
        ),
      ),
    );
    if (marks.includes(true)) return up.slice(0, up.indexOf(folder) + 1).toReversed();
    const parent = dirname(folder);
    if (parent === folder) return [cwd];
    up.push(parent);
  }
}

/** The first items of a conversation; sent once and again when the folder changes. */
export function contextItems(
  cwd: string,
  docs: readonly ProjectDoc[],
  developer: string | null,
  nowMs: number,
): readonly ModelItem[] {
  const items: ModelItem[] = [];
  if (developer) items.push(message("developer", [developer]));
  const project = docs.map(
    ({ path, text }) =>
      `# AGENTS.md instructions for ${dirname(path)}\n\n<INSTRUCTIONS>\n${text}\n</INSTRUCTIONS>`,
  );
  const environment = [
    "<environment_context>",
    `  <cwd>${cwd}</cwd>`,
    "  <shell>bash</shell>",
    `  <current_date>${new Date(nowMs).toISOString().slice(0, 10)}</current_date>`,
    `  <timezone>${Intl.DateTimeFormat().resolvedOptions().timeZone}</timezone>`,
    "</environment_context>",
  ].join("\n");
  items.push(message("user", [...project, environment]));
  return items;
}

/** What the model is told in the turn after one that a person stopped. */
export const abortedItem: ModelItem = message("user", [
  "<turn_aborted>\nThe person interrupted this turn before it was done. What was running has been stopped and may have taken effect in part; look before you go on.\n</turn_aborted>",
]);

/** What a model is asked for when a conversation is to become shorter. */
export const summaryRequest: ModelItem = message("user", [
  `The conversation is about to be shortened: everything before this message will be gone, and only the person's own words and your answer to this message stay. Write down what somebody needs who takes the work over now and knows nothing else:

- what the person wants, with every limit and preference that they stated
- what has been done and decided so far, and why
- where things stand: files, commands, results and numbers that matter, by their exact names
- what is left to do, in order

Be complete and brief. Do not call tools and do not address the person.`,
]);

const summaryPreface =
  "The conversation up to here was shortened. A model that worked on it left this account; take it as what is known and go on from there:";

export const summaryText = (summary: string): string => `${summaryPreface}\n\n${summary}`;

export const userTextItem = (text: string): ModelItem => message("user", [text]);

function message(role: "user" | "developer", texts: readonly string[]): ModelItem {
  return { type: "message", role, content: texts.map((text) => ({ type: "input_text", text })) };
}
