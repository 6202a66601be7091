import { describe, expect, test } from "vitest";
import { createConfigReader } from "../../../src/config/config-reader.ts";
import type { Context } from "../../../src/dispatch/context.ts";
import { overrideOf } from "../../../src/features/thread-settings.ts";
import { RpcError } from "../../../src/protocol/errors.ts";
import type { Role } from "../../../src/protocol/principal.ts";
import { portsWith } from "../../helpers/no-ports.ts";

const config = createConfigReader({
  codexHome: "/nonexistent",
  sessionFlags: [],
  systemFolder: "/nonexistent",
});
const { host } = portsWith();
const as = (role: Role): Pick<Context, "config" | "principal" | "host"> => ({
  config,
  host,
  principal: { kind: "headless", id: "t", name: "t", role, address: "127.0.0.1" },
});
const refusal = (role: Role, params: Parameters<typeof overrideOf>[1]): string | undefined => {
  try {
    overrideOf(as(role), params);
    return undefined;
  } catch (error) {
    return error instanceof RpcError ? error.message : String(error);
  }
};

describe("what a caller may set in a thread's own config", () => {
  test("an operator may set how the agent talks, and what the terminal client takes away for its titles", () => {
    const titles = {
      "features.shell_tool": false,
      "skills.include_instructions": false,
      "tools.update_plan.enabled": false,
      "cloud.skills.enabled": false,
      web_search: "disabled",
      mcp_servers: {},
      default_permissions: ":read-only",
      model_reasoning_effort: "low",
    };
    expect(refusal("operator", { config: titles })).toBeUndefined();
  });

  test.each([
    ["mcp_servers", { mcp_servers: { x: { command: "sh" } } }],
    ["default_permissions", { default_permissions: ":danger-full-access" }],
    ["model_providers.x.base_url", { "model_providers.x.base_url": "http://elsewhere" }],
    ["notify", { notify: ["sh"] }],
    ["shell_environment_policy.set", { "shell_environment_policy.set": { A: "b" } }],
  ])("%s is an admin's to set", (key, keys) => {
    expect(refusal("operator", { config: keys })).toBe(
      `setting \`${key}\` in a thread's config needs the role admin; this connection has operator. Leave it out, or ask an admin to set it in config.toml.`,
    );
    expect(refusal("admin", { config: keys })).toBeUndefined();
  });

  test.each([
    ["by name", { sandbox: "danger-full-access" as const }],
    ["by config key", { config: { sandbox_mode: "danger-full-access" } }],
  ])("only an admin takes the sandbox away, %s", (_how, params) => {
    expect(refusal("operator", params)).toBe(
      "running without a sandbox needs the role admin; this connection has operator. Ask an admin, or leave the sandbox as it is configured.",
    );
    expect(refusal("admin", params)).toBeUndefined();
  });

  test("one who may only watch changes nothing, whatever it asks for", () => {
    const wishes = { approvalPolicy: "never" as const, sandbox: "danger-full-access" as const };
    expect(overrideOf(as("viewer"), wishes)).toEqual({});
    expect(overrideOf(as("approver"), wishes)).toEqual({});
  });
});
