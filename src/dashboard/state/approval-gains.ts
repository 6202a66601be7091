/** What an approval would allow that is not allowed now, in words. */
import type { ApprovalGains } from "../../protocol/approval-gains.ts";
import type { ApprovalChallenge } from "../../protocol/signed-approval.ts";
import type { Approval } from "./host-view.ts";

/** A sentence; the path at its end is shown as what it is. */
export interface Gain {
  readonly text: string;
  readonly path: string | null;
}

export interface GainWords {
  readonly gains: readonly Gain[];
  /** What is to be known beside them; the whole answer where there are none. */
  readonly note: string | null;
  /** Nothing confines what runs. */
  readonly isOpen: boolean;
}

/** Undefined: the host says nothing of it. Where the answer is signed, what is signed counts. */
export function gainWords(
  approval: Approval,
  challenge: ApprovalChallenge | undefined,
): GainWords | undefined {
  const gains = shownGains(approval, challenge);
  if (gains === undefined) return undefined;
  if (gains.sandbox === "left") return leaving(gains);
  const listed = listedGains(gains);
  return {
    gains: listed,
    note: noteOn(gains, approval.method, listed.length === 0),
    isOpen: gains.sandbox === "none" && approval.method === runs,
  };
}

const runs = "item/commandExecution/requestApproval";
const patches = "item/fileChange/requestApproval";

function shownGains(
  { gains: said }: Approval,
  challenge: ApprovalChallenge | undefined,
): ApprovalGains | undefined {
  const payload = challenge?.payload;
  if (payload?.kind === "command" && payload.reaches !== undefined)
    return { ...bare, sandbox: "kept", hosts: [payload.reaches] };
  if (payload === undefined || payload.kind === "fileChange") return said;
  const { additions } = payload;
  if (payload.kind === "command" && payload.escalated) {
    return { ...bare, sandbox: openOr("left", said), network: said?.network ?? true };
  }
  const proxied = said?.proxied ?? false;
  return additions ? { ...bare, sandbox: openOr("kept", said), proxied, ...additions } : said;
}

type Sandbox = ApprovalGains["sandbox"];

/** Where nothing confines the thread, nothing is left or kept. */
const openOr = (usual: Sandbox, said: ApprovalGains | undefined): Sandbox =>
  said?.sandbox === "none" || said?.sandbox === "external" ? said.sandbox : usual;

const bare = { network: false, proxied: false, hosts: [], read: [], write: [] };

const leaving = ({ network }: ApprovalGains): GainWords => ({
  gains: [
    {
      text: `Run outside of the sandbox: it could read and change every file that you can${network ? ", and use the network" : ""}.`,
      path: null,
    },
  ],
  note: null,
  isOpen: true,
});

const listedGains = ({ network, proxied, hosts, read, write }: ApprovalGains): readonly Gain[] => [
  ...write.map((path) => fileGain("Write to", path)),
  ...read.map((path) => fileGain("Read", path)),
  ...hosts.map((host) => ({ text: "Reach", path: host })),
  ...(network ? [{ text: networkText(proxied), path: null }] : []),
];

const networkText = (proxied: boolean): string =>
  proxied ? "Use the network, as far as its rules let it" : "Use the network: any host";

const fileGain = (verb: string, path: string): Gain =>
  path === "/"
    ? { text: `${verb} every file that you can ${verb === "Read" ? "read" : "write"}`, path: null }
    : { text: verb, path };

const open: Record<"none" | "external", string> = {
  none: "This thread has no sandbox: what runs in it can read and change every file that you can, and use the network.",
  external: "Farhelm does not confine this thread; something else is said to.",
};

function noteOn(
  { sandbox }: ApprovalGains,
  method: Approval["method"],
  isNothing: boolean,
): string | null {
  if (sandbox === "none" || sandbox === "external") return open[sandbox];
  if (sandbox === "left") return null;
  if (method === runs)
    return isNothing
      ? "It runs inside of the sandbox."
      : "Otherwise it stays inside of the sandbox.";
  if (!isNothing) return null;
  return method === patches
    ? "These files may be written."
    : "The agent has all of these permissions.";
}

/** As one text, for those who hear the page. */
export const spokenGains = (words: GainWords): string =>
  words.gains.length === 0
    ? `Nothing that is not allowed now. ${words.note ?? ""}`.trim()
    : words.gains.map(({ text, path }) => (path === null ? text : `${text} ${path}`)).join("; ");
