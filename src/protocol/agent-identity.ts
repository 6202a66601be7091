/** The stock form of an agent's identity token: the same issuer and audience for everyone. */
export const agentIdentityIssuer = "https://chatgpt.com/codex-backend/agent-identity";
/** Of these tokens, and of those that a host issues itself. */
export const appServerAudience = "codex-app-server";
