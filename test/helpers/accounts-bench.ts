/** Accounts over a temporary home, with what they write down. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { HostAccounts } from "../../src/accounts/accounts.ts";
import { createAccounts } from "../../src/accounts/accounts.ts";
import { createConfigReader } from "../../src/config/config-reader.ts";
import { MemoryAudit } from "./memory-audit.ts";
import { MemoryLog } from "./memory-log.ts";

export class AccountsBench {
  readonly home = mkdtempSync(join(tmpdir(), "farhelm-accounts-"));
  readonly authFile = join(this.home, "auth.json");
  readonly audit = new MemoryAudit();
  readonly log = new MemoryLog();
  readonly #made: HostAccounts[] = [];

  /** Text as it is, anything else as JSON. */
  store(content: unknown): void {
    const text = typeof content === "string" ? content : JSON.stringify(content);
    writeFileSync(this.authFile, text);
  }

  /** As a host makes them that has just started. */
  accounts(env: Readonly<Record<string, string>> = {}, chatgptBaseUrl?: string): HostAccounts {
    const config = createConfigReader({
      codexHome: this.home,
      sessionFlags:
        chatgptBaseUrl === undefined ? [] : [`chatgpt_base_url=${JSON.stringify(chatgptBaseUrl)}`],
      systemFolder: join(this.home, "none"),
    });
    const { audit, log } = this;
    const made = createAccounts({ codexHome: this.home, env, config, audit, log });
    this.#made.push(made);
    return made;
  }

  /** All that was written down, to look for secrets in. */
  get written(): string {
    return this.log.text + JSON.stringify(this.audit.entries);
  }

  close(): void {
    for (const made of this.#made) made.close();
    rmSync(this.home, { recursive: true });
  }
}

export const openai = {
  id: "openai",
  baseUrl: "https://api.example.com/v1",
  envKey: null,
  requiresOpenaiAuth: true,
  envKeyInstructions: null,
};

/** The message with which it rejects; a failure when it does not. */
export const refusal = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => Promise.reject(new Error("it was not refused")),
    (error: unknown) => (error instanceof Error ? error.message : ""),
  );
