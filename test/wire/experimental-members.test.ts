/** What a client without the experimental capability is refused, over a real host. */
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import {
  HostClient,
  configFor,
  startOn,
  stopHosts,
  temporaryHomes,
} from "../helpers/running-host.ts";

afterEach(stopHosts);

async function plainClient(): Promise<HostClient> {
  const homes = temporaryHomes(configFor("http://127.0.0.1:1/v1"));
  await startOn(homes);
  const client = await HostClient.opened(
    new WebSocket(`ws+unix://${join(homes.farhelmHome, "control.sock")}:/`),
  );
  await client.call("initialize", { clientInfo: { name: "plain", version: "1" } });
  return client;
}

const unknown = { threadId: "00000000-0000-4000-8000-000000000000" };
const granular = {
  granular: { sandbox_approval: true, rules: true, mcp_elicitations: true },
};
const mode = { mode: "plan", settings: { model: "m" } };
const metadata = { responsesapiClientMetadata: {}, responsesapiClientMetadataPatch: {} };

/** By method: what it takes beside the members, and the members that are kept for others. */
const gated: readonly [string, object, object][] = [
  [
    "thread/start",
    { modelProvider: "none" },
    {
      allowProviderModelFallback: true,
      runtimeWorkspaceRoots: [],
      permissions: ":read-only",
      multiAgentMode: "proactive",
      historyMode: "legacy",
      projectId: "",
      daybreakEnabled: false,
      environments: [],
      dynamicTools: [],
      selectedCapabilityRoots: [],
      mockExperimentalField: "",
      experimentalRawEvents: true,
    },
  ],
  [
    "thread/resume",
    unknown,
    {
      history: [],
      path: "",
      runtimeWorkspaceRoots: [],
      permissions: ":read-only",
      initialTurnsPage: {},
    },
  ],
  [
    "thread/fork",
    unknown,
    {
      experimentalPredictionMode: true,
      experimentalDisablePredictionMcp: true,
      beforeTurnId: "",
      path: "",
      runtimeWorkspaceRoots: [],
      permissions: ":read-only",
      attachToSource: true,
      deferGoalContinuation: true,
    },
  ],
  ["thread/metadata/update", unknown, { projectId: "", daybreakEnabled: false }],
  [
    "thread/list",
    {},
    {
      includeAttachedThreads: true,
      projectId: null,
      parentThreadId: "",
      ancestorThreadId: "",
      attachedToThreadId: "",
    },
  ],
  [
    "turn/start",
    { ...unknown, input: [] },
    {
      ...metadata,
      additionalContext: {},
      environments: [],
      runtimeWorkspaceRoots: [],
      permissions: ":read-only",
      collaborationMode: mode,
      multiAgentMode: "proactive",
      cyberAccessProgram: "standard",
    },
  ],
  [
    "turn/steer",
    { ...unknown, expectedTurnId: "t", input: [] },
    { ...metadata, additionalContext: {} },
  ],
];

const refusalOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "",
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );

describe("a client without the experimental capability", () => {
  it("is refused each member that needs it, by name, and nothing else for its sake", async () => {
    const client = await plainClient();
    for (const [method, base, members] of gated) {
      for (const [member, value] of Object.entries(members)) {
        expect(await refusalOf(client.call(method, { ...base, [member]: value }))).toBe(
          `-32600 ${method}.${member} requires experimentalApi capability`,
        );
        const off = value === true ? false : value === null ? undefined : null;
        expect(
          await refusalOf(
            client.call(method, { ...base, ...(off === undefined ? {} : { [member]: off }) }),
          ),
        ).not.toContain("experimentalApi");
      }
      // in the order of the declaration, whatever that of the params
      const first = Object.keys(members)[0];
      const all = Object.fromEntries(Object.entries({ ...members, ...base }).toReversed());
      expect(await refusalOf(client.call(method, all))).toBe(
        `-32600 ${method}.${first} requires experimentalApi capability`,
      );
    }
  });

  it("is refused a granular approval policy under its own name", async () => {
    const client = await plainClient();
    for (const [method, base] of gated) {
      if (!["thread/start", "thread/resume", "thread/fork", "turn/start"].includes(method))
        continue;
      const params = { ...base, approvalPolicy: granular };
      expect(await refusalOf(client.call(method, params))).toBe(
        "-32600 askForApproval.granular requires experimentalApi capability",
      );
    }
    expect(
      await refusalOf(
        client.call("turn/start", { ...unknown, input: [], approvalPolicy: { granular: {} } }),
      ),
    ).toContain("Invalid request: approvalPolicy");
  });
});
