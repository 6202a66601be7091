/** What the offline agent understands of a request: a few plain sentences, no more. */

export type OfflineStep =
  | { readonly kind: "run"; readonly command: string }
  | { readonly kind: "show"; readonly file: string }
  | { readonly kind: "list"; readonly folder: string }
  | { readonly kind: "write"; readonly file: string; readonly content: string }
  | {
      readonly kind: "replace";
      readonly file: string;
      readonly before: string;
      readonly after: string;
    };

export type OfflinePlan =
  | { readonly kind: "steps"; readonly steps: readonly OfflineStep[] }
  | { readonly kind: "help" }
  | { readonly kind: "unclear" };

const VERB =
  "(?:run|execute|show|cat|read|print|display|open|list|write|put|save|create|make|add|replace|change)";
const POLITE =
  /^(?:(?:please|now|then|also|can you|could you|would you|will you|i want you to)[\s,]+)+/i;
const HELP =
  /^(?:help|hi|hello|hey|explain|who|what|describe|introduce)\b(?!.*\b(?:files?|folder|directory)\b)/i;

/** Several requests in one message are joined by "and", "then", a semicolon or a line break. */
export function planOf(message: string): OfflinePlan {
  const text = message.trim();
  const steps: OfflineStep[] = [];
  for (const clause of clausesOf(text)) {
    const step = stepOf(clause);
    if (step !== undefined) steps.push(step);
  }
  if (steps.length > 0) return { kind: "steps", steps };
  return { kind: HELP.test(text.replace(POLITE, "")) || text === "" ? "help" : "unclear" };
}

/** Splits where a joining word is followed by a verb that the agent knows, outside quotes and backticks. */
function clausesOf(text: string): readonly string[] {
  const joint = new RegExp(
    String.raw`^(?:\s*(?:[;\n]+|,?\s+(?:and\s+then|and|then)\s)\s*(?:please\s+|then\s+|also\s+)?)(?=${VERB}\b|\x60)`,
    "i",
  );
  const clauses: string[] = [];
  let start = 0;
  let quote = "";
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (quote !== "") {
      if (char === quote) quote = "";
      continue;
    }
    if (char === "`" || char === '"' || (char === "'" && /^$|\s/.test(text.charAt(at - 1)))) {
      quote = char;
      continue;
    }
    const match = joint.exec(text.slice(at, at + 60));
    if (match === null) continue;
    clauses.push(text.slice(start, at));
    at += match[0].length - 1;
    start = at + 1;
  }
  return [...clauses, text.slice(start)];
}

type Rule = readonly [RegExp, (groups: Readonly<Record<string, string>>) => OfflineStep];

const PATH = String.raw`(?<file>\x60[^\x60]+\x60|"[^"]+"|'[^']+'|[^\s,;]+)`;
const QUOTED = String.raw`(?:"(?<double>[^"]*)"|'(?<single>[^']*)'|\x60(?<ticks>[^\x60]*)\x60)`;

const rule = (source: string, make: Rule[1]): Rule => [new RegExp(`^${source}$`, "is"), make];

const RULES: readonly Rule[] = [
  rule(String.raw`\x60(?<command>[^\x60]+)\x60`, run),
  rule(
    String.raw`(?:list|show|what|which)(?:\s+me)?(?:\s+(?:all|the|are))*\s+(?:files|folder|directory)(?:\s+(?:are\s+)?(?:here|there))?(?:\s+(?:in|of|under)\s+(?:the\s+)?(?:folder\s+|directory\s+)?${PATH})?`,
    ({ file = "." }) => ({ kind: "list", folder: pathOf(file) }),
  ),
  rule(
    String.raw`(?:run|execute)(?:\s+(?:the|this))?(?:\s+(?:shell\s+)?command)?\s*:?\s*(?:\x60(?<command>[^\x60]+)\x60.*|(?<plain>\S.*))`,
    run,
  ),
  rule(
    String.raw`(?:write|put|save|add)\s+(?:the\s+(?:text|words?)\s+)?${QUOTED}\s+(?:to|into|in)\s+(?:the\s+|a\s+)?(?:new\s+)?(?:file\s+)?(?:called\s+|named\s+)?${PATH}`,
    write,
  ),
  rule(
    String.raw`(?:create|make|add|write)\s+(?:a\s+|the\s+)?(?:new\s+)?(?:file\s+)?(?:called\s+|named\s+)?${PATH}\s+(?:with|containing|that\s+says)\s+(?:the\s+)?(?:(?:text|content|contents|words?)\s*:?\s+)?(?:${QUOTED}|(?<rest>.+))`,
    write,
  ),
  rule(
    String.raw`(?:create|make|add|write)\s+(?:a\s+|the\s+)?(?:new\s+)?file\s+(?:called\s+|named\s+)?${PATH}`,
    (groups) => write({ ...groups, rest: "Written by the offline agent." }),
  ),
  rule(
    String.raw`(?:replace|change)\s+(?:the\s+line\s+)?"(?<before>[^"]+)"\s+(?:with|to|by)\s+"(?<after>[^"]*)"\s+in\s+(?:the\s+file\s+)?${PATH}`,
    ({ file = "", before = "", after = "" }) => ({
      kind: "replace",
      file: pathOf(file),
      before,
      after,
    }),
  ),
  rule(
    String.raw`(?:show|cat|read|print|display|open)(?:\s+me)?(?:\s+(?:what\s+is\s+in|the|file|contents?|of))*\s+${PATH}`,
    ({ file = "" }) => ({ kind: "show", file: pathOf(file) }),
  ),
];

function stepOf(clause: string): OfflineStep | undefined {
  const text = clause
    .trim()
    .replace(POLITE, "")
    .replace(/(?<=[\w"'`)])[.!?]+$/, "");
  for (const [pattern, make] of RULES) {
    const match = pattern.exec(text);
    if (match !== null) return make(presentGroups(match.groups));
  }
  return undefined;
}

function presentGroups(groups: Record<string, string | undefined> = {}): Record<string, string> {
  const present: Record<string, string> = {};
  for (const [name, value] of Object.entries(groups))
    if (value !== undefined) present[name] = value;
  return present;
}

function run({ command, plain = "" }: Readonly<Record<string, string>>): OfflineStep {
  return { kind: "run", command: (command ?? plain).trim() };
}

function write(groups: Readonly<Record<string, string>>): OfflineStep {
  const { file = "", double, single, ticks, rest = "" } = groups;
  return { kind: "write", file: pathOf(file), content: double ?? single ?? ticks ?? rest.trim() };
}

const pathOf = (text: string): string => text.replace(/^([`"'])(.*)\1$/s, "$2");
