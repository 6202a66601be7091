/** A program on a terminal that nobody sees: tmux with a server of its own. */
import { execFileSync, spawnSync } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { randomUUID } from "node:crypto";

/** The stock client takes what comes faster for a paste, whose line end sends nothing. */
const typingPauseMs = 400;
const pollMs = 150;

/** Whether this machine has tmux; a line that nobody overlooks where it has not. */
export function hasTmux(): boolean {
  const found = spawnSync("tmux", ["-V"]).status === 0;
  if (!found) {
    process.stderr.write(
      "\n!!! SKIPPED: no tmux here: what people see of the stock client is NOT tested. Install tmux.\n\n",
    );
  }
  return found;
}

export class Terminal {
  readonly #server = `farhelm-test-${randomUUID()}`;
  readonly #timeoutMs: number;

  constructor(
    command: readonly string[],
    options: {
      readonly cwd: string;
      readonly env: Readonly<Record<string, string>>;
      readonly timeoutMs?: number;
    },
  ) {
    this.#timeoutMs = options.timeoutMs ?? 30_000;
    const line = `${command.map(quoted).join(" ")}; echo "EXIT $?"; exec sleep 3600`;
    const start = ["new-session", "-d", "-s", "s", "-x", "130", "-y", "50", line];
    execFileSync("tmux", ["-L", this.#server, "-f", "/dev/null", ...start], {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: "ignore",
    });
  }

  /** What is on the screen and what went over its edge. */
  get screen(): string {
    return this.#tmux("capture-pane", "-t", "s", "-p", "-S", "-500");
  }

  async type(text: string): Promise<void> {
    this.#tmux("send-keys", "-t", "s", "-l", text);
    await delay(typingPauseMs);
  }

  key(name: "Enter" | "Escape" | "q" | "s" | "y"): void {
    this.#tmux("send-keys", "-t", "s", name);
  }

  /** Types and sends. On a slow machine typing can look like a paste, and its end is taken for a line's. */
  async enter(text: string): Promise<void> {
    await this.type(text);
    // what is not drawn yet was not taken yet: a key now would belong to the paste
    for (let polls = 0; polls < 20 && !this.#isTyped(text); polls += 1) await delay(pollMs);
    const deadline = performance.now() + this.#timeoutMs;
    do {
      this.key("Enter");
      for (let polls = 0; polls < 20 && this.#isTyped(text); polls += 1) await delay(pollMs);
    } while (this.#isTyped(text) && performance.now() < deadline);
  }

  /** Whether the client's input line, the last that begins with its sign, holds the text. */
  #isTyped(text: string): boolean {
    const inputs = this.screen.split("\n").filter((line) => line.startsWith("›"));
    return inputs.at(-1)?.slice(1).trim() === text;
  }

  /** Resolves when the text is to be seen, `count` times; what is wrapped counts once. Rejects with the screen. */
  async shows(text: string, count = 1): Promise<void> {
    const deadline = performance.now() + this.#timeoutMs;
    for (;;) {
      const { screen } = this;
      const lines = screen.replaceAll(/[ \t]+/g, " ");
      const joined = lines.replaceAll(/\s+/g, " ");
      if (lines.split(text).length > count || (count === 1 && joined.includes(text))) return;
      const ended = /^EXIT /m.test(screen) && !text.startsWith("EXIT");
      if (ended || performance.now() > deadline) {
        throw new Error(
          `the terminal does not show "${text}":\n${screen.replaceAll(/\n+/g, "\n")}`,
        );
      }
      await delay(pollMs);
    }
  }

  close(): void {
    this.#tmux("kill-server");
  }

  #tmux(...args: readonly string[]): string {
    return execFileSync("tmux", ["-L", this.#server, ...args], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
  }
}

const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;
