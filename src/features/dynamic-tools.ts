/** What a client's tools must be like. The texts are those that clients compare. */
import { invalidRequest } from "../protocol/errors.ts";
import type { DynamicTool, DynamicToolFunction } from "../protocol/dynamic-tools.ts";
import { isRecord } from "../util/is-record.ts";

const maxNameChars = 64;
const maxToolNameChars = 128;
const maxDescriptionChars = 1024;
const namePattern = /^[a-zA-Z0-9_-]+$/;
/** Namespaces that model endpoints keep for themselves. */
const reservedNamespaces = new Set([
  "api_tool",
  "browser",
  "computer",
  "container",
  "file_search",
  "functions",
  "image_gen",
  "multi_tool_use",
  "python",
  "python_user_visible",
  "submodel_delegator",
  "terminal",
  "tool_search",
  "web",
]);
/** The host's own tools. */
const hostTools = new Set([
  "exec_command",
  "write_stdin",
  "apply_patch",
  "update_plan",
  "view_image",
]);

/** Throws `RpcError` where one of them cannot be offered to a model. */
export function checkDynamicTools(tools: readonly DynamicTool[]): void {
  const functions = tools.filter((tool) => tool.type === "function");
  checkFunctions(functions, "");
  for (const { name } of functions) {
    if (hostTools.has(name)) {
      throw invalidRequest(`dynamic tool name is taken by a tool of the host: ${name}`);
    }
  }
  const seen = new Set<string>();
  for (const tool of tools) {
    if (tool.type !== "namespace") continue;
    checkName(tool.name, "dynamic tool namespace", maxNameChars);
    if (tool.name === "mcp" || tool.name.startsWith("mcp__")) {
      throw invalidRequest(`dynamic tool namespace is reserved: ${tool.name}`);
    }
    if (reservedNamespaces.has(tool.name)) {
      throw invalidRequest(
        `dynamic tool namespace collides with a reserved Responses API namespace: ${tool.name}`,
      );
    }
    if (tool.description.length > maxDescriptionChars) {
      throw invalidRequest(
        `dynamic tool namespace description must be at most ${maxDescriptionChars} characters`,
      );
    }
    if (tool.tools.length === 0) {
      throw invalidRequest(`dynamic tool namespace must contain at least one tool: ${tool.name}`);
    }
    if (seen.has(tool.name)) {
      throw invalidRequest(`duplicate dynamic tool namespace: ${tool.name}`);
    }
    seen.add(tool.name);
    checkFunctions(tool.tools, ` in namespace ${tool.name}`);
  }
}

function checkFunctions(tools: readonly DynamicToolFunction[], where: string): void {
  const seen = new Set<string>();
  for (const { name, inputSchema } of tools) {
    checkName(name, "dynamic tool name", maxToolNameChars);
    if (seen.has(name)) throw invalidRequest(`duplicate dynamic tool name${where}: ${name}`);
    seen.add(name);
    const fault = schemaFault(inputSchema);
    if (fault) {
      throw invalidRequest(`dynamic tool input schema is not supported for ${name}: ${fault}`);
    }
  }
}

function checkName(name: string, what: string, maxChars: number): void {
  if (name === "") throw invalidRequest(`${what} must not be empty`);
  if (name !== name.trim()) {
    throw invalidRequest(`${what} has leading/trailing whitespace: ${name}`);
  }
  if (!namePattern.test(name)) {
    throw invalidRequest(
      `${what} must match ${namePattern.source} to match Responses API: ${name}`,
    );
  }
  if (name.length > maxChars) {
    throw invalidRequest(
      `${what} must be at most ${maxChars} characters to match Responses API: ${name}`,
    );
  }
}

function schemaFault(schema: unknown): string | undefined {
  if (schema === undefined) return "missing field `inputSchema`";
  if (isRecord(schema)) {
    return schema["type"] === "null"
      ? "tool input schema must not be a singleton null type"
      : undefined;
  }
  if (typeof schema === "boolean") return undefined;
  const shown = `${typeof schema} ${JSON.stringify(schema)}`;
  return `invalid type: ${shown}, expected struct JsonSchema`;
}
