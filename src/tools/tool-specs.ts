/** The tools as they are described to a model. Names and parameters are the protocol's. */
import type { ToolOffer, Tools } from "./port.ts";

type Spec = ReturnType<Tools["specs"]>[number];

const text = (description: string): object => ({ type: "string", description });
const number = (description: string): object => ({ type: "number", description });
const flag = (description: string): object => ({ type: "boolean", description });

function functionSpec(
  name: string,
  description: string,
  properties: Readonly<Record<string, object>>,
  required: readonly string[],
): Spec {
  return {
    type: "function",
    name,
    description,
    strict: false,
    parameters: { type: "object", properties, required, additionalProperties: false },
  };
}

const outputBudget = number(
  "How many tokens of output to return at most. 10000 unless given; more is cut to that.",
);

const paths = (description: string): object => ({
  type: "array",
  items: { type: "string" },
  description,
});

const permissionsAsked = (description: string): object => ({
  type: "object",
  description,
  properties: {
    network: {
      type: "object",
      properties: { enabled: flag("True asks for the network.") },
      additionalProperties: false,
    },
    file_system: {
      type: "object",
      properties: {
        read: paths("Paths to read, each with everything below it."),
        write: paths("Paths to write, each with everything below it."),
      },
      additionalProperties: false,
    },
  },
  additionalProperties: false,
});

const execProperties: Readonly<Record<string, object>> = {
  cmd: text("The shell command."),
  workdir: text("The folder to run it in. Defaults to the folder of this turn."),
  shell: text("The shell to use. Defaults to the user's own."),
  login: flag("Whether the shell starts as a login shell. Defaults to true."),
  tty: flag("True gives the command a terminal, so that it can be typed into. Defaults to false."),
  yield_time_ms: number(
    "How long to wait for the command, in milliseconds: 250 to 30000, 10000 unless given.",
  ),
  max_output_tokens: outputBudget,
  sandbox_permissions: {
    ...text(
      "`require_escalated` asks the user to let this command run outside the sandbox. Defaults to `use_default`.",
    ),
    enum: ["use_default", "require_escalated"],
  },
  justification: text("With `require_escalated`: the question that the user is asked."),
  prefix_rule: {
    type: "array",
    items: { type: "string" },
    description:
      "With `require_escalated`: the first words of commands that could be allowed in the same way.",
  },
};

const execCommand = (properties: Readonly<Record<string, object>>): Spec =>
  functionSpec(
    "exec_command",
    "Runs a shell command and returns its output, or a session ID when it is still running after the wait.",
    properties,
    ["cmd"],
  );

const plainExec = execCommand(execProperties);

/** The same, where a command may ask for more than the sandbox gives and yet stay inside. */
const wideningExec = execCommand({
  ...execProperties,
  sandbox_permissions: {
    ...text(
      "`with_additional_permissions` asks the user for `additional_permissions` inside the sandbox; `require_escalated` asks to let this command run outside of it. Defaults to `use_default`.",
    ),
    enum: ["use_default", "with_additional_permissions", "require_escalated"],
  },
  additional_permissions: permissionsAsked(
    "What this command needs beyond the sandbox; with `with_additional_permissions`.",
  ),
});

const requestPermissions = functionSpec(
  "request_permissions",
  "Asks the user to widen the sandbox: files to read or write, or the network. Ask for what the task needs and no more. What is granted holds for later commands and patches, in this turn or for the whole session, as the user decides; the answer says what it is.",
  {
    permissions: permissionsAsked(
      "What is needed. Relative paths count from the folder of this turn.",
    ),
    reason: text("Why, in a sentence for the user."),
    environment_id: text("The environment that it is for. Leave it out: there is one."),
  },
  ["permissions"],
);

const writeStdin = functionSpec(
  "write_stdin",
  "Types into a command that is still running, or waits for more of its output, and returns what is new.",
  {
    session_id: number("The session ID that exec_command returned."),
    chars: text("What to type. Leave it empty to wait for output only."),
    yield_time_ms: number(
      "How long to wait, in milliseconds: 250 to 30000 after typing, 5000 to 300000 otherwise.",
    ),
    max_output_tokens: outputBudget,
  },
  ["session_id"],
);

const viewImage = functionSpec(
  "view_image",
  "Shows you an image file (PNG, JPEG, GIF or WebP) from this machine.",
  { path: text("The path of the image file.") },
  ["path"],
);

const updatePlan = functionSpec(
  "update_plan",
  "Shows the user the steps of your plan and how far you are. At most one step is in progress at a time.",
  {
    explanation: text("Why the plan changed, in a sentence."),
    plan: {
      type: "array",
      description: "All steps, in order.",
      items: {
        type: "object",
        properties: {
          step: text("The step, in a few words."),
          status: {
            ...text("How far the step is."),
            enum: ["pending", "in_progress", "completed"],
          },
        },
        required: ["step", "status"],
        additionalProperties: false,
      },
    },
  },
  ["plan"],
);

/** The patch language, for endpoints that hold a model to a grammar. */
const patchGrammar = `start: begin operation+ end
begin: "*** Begin Patch" LF
end: "*** End Patch" LF?

operation: add | delete | update
add: "*** Add File: " path LF added+
delete: "*** Delete File: " path LF
update: "*** Update File: " path LF move? hunks?
move: "*** Move to: " path LF
hunks: (header | line)+ eof?
header: ("@@" | "@@ " /(.+)/) LF
line: ("+" | "-" | " ") /(.*)/ LF
added: "+" /(.*)/ LF -> line
eof: "*** End of File" LF

path: /(.+)/

%import common.LF
`;

const applyPatch: Spec = {
  type: "custom",
  name: "apply_patch",
  description: "Changes files by a patch. Its input is the patch itself, not JSON.",
  format: { type: "grammar", syntax: "lark", definition: patchGrammar },
};

const goalSpecs: readonly Spec[] = [
  functionSpec(
    "get_goal",
    "Tells the goal of this thread, if it has one: its status, what it cost, and what is left of its budget.",
    {},
    [],
  ),
  functionSpec(
    "create_goal",
    "Gives this thread a goal, which it then pursues turn after turn without being asked. Only where a person asks for a goal; refused while there is one that is not complete.",
    {
      objective: text("What is to be true in the end, so that it can be checked."),
      token_budget: {
        type: "integer",
        description: "How many tokens it may cost. Only where a person names a number.",
      },
    },
    ["objective"],
  ),
  functionSpec(
    "update_goal",
    "Marks the goal as complete. Only when all that it asks for was seen to hold; not because the budget runs low or the turn ends.",
    { status: { ...text("`complete` is the only one."), enum: ["complete"] } },
    ["status"],
  ),
];

/** What is offered; the patch tool and the plan only to models that know them. */
export function toolSpecs(offer: ToolOffer): readonly Spec[] {
  const exec = offer.permissions?.isPerCommand ? wideningExec : plainExec;
  const always = offer.patchTool
    ? [exec, writeStdin, updatePlan, applyPatch, viewImage]
    : [exec, writeStdin, viewImage];
  const asking = offer.permissions?.isRequestable ? [requestPermissions] : [];
  return [...always, ...asking, ...(offer.goals ? goalSpecs : [])];
}
