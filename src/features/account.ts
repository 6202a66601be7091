import { z } from "zod";
import type { Account } from "../accounts/port.ts";
import { method } from "../dispatch/define.ts";

export const accountRead = method({
  name: "account/read",
  stability: "stable",
  role: "viewer",
  reach: "open",
  params: z.looseObject({ refreshToken: z.boolean().nullish() }),
  result: z.object({
    account: z
      .discriminatedUnion("type", [
        z.object({ type: z.literal("apiKey") }),
        z.object({
          type: z.literal("chatgpt"),
          email: z.string().nullable(),
          planType: z.string(),
          workspaceName: z.string().nullable(),
        }),
      ])
      .nullable(),
    userId: z.string().nullable(),
    /** Whether the configured provider wants an OpenAI login before it can be used. */
    requiresOpenaiAuth: z.boolean(),
    workspaceRouting: z.unknown().nullable(),
  }),
  async handle({ accounts, config, models }) {
    const { modelProvider, providers } = config.read();
    const id = modelProvider ?? models.defaults().modelProvider;
    const requiresOpenaiAuth = providers.get(id)?.requiresOpenaiAuth ?? id === "openai";
    // A login that is not used with this provider is nobody's business here, as in Codex.
    const account = requiresOpenaiAuth ? await accounts.account() : null;
    return {
      account: account === null ? null : shown(account),
      userId: account?.type === "chatgpt" ? account.userId : null,
      requiresOpenaiAuth,
      workspaceRouting: null,
    };
  },
});

function shown(account: Account) {
  if (account.type === "apiKey") return account;
  const { type, email, planType } = account;
  return { type, email, planType, workspaceName: null };
}
