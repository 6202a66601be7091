/** What a person does on the dashboard, by what a person (or a screen reader) finds there. */
import type { BrowserContext, Locator, Page } from "playwright-core";

export type Question =
  | "Run this command?"
  | "Let this command reach a host?"
  | "Make these changes?"
  | "Give the agent more permissions?";

export class DashboardPage {
  readonly page: Page;
  /** The texts that came in over its WebSockets, in order. */
  readonly received: string[] = [];
  /** What went wrong in the page itself. */
  readonly faults: string[] = [];

  private constructor(page: Page) {
    this.page = page;
    page.setDefaultTimeout(30_000);
    page.on("websocket", (socket) =>
      socket.on("framereceived", ({ payload }) => this.received.push(payload.toString())),
    );
    page.on("pageerror", ({ message }) => this.faults.push(message));
  }

  /** A browser that was never here before. `confirm`: what an admin does who lets it in; the first needs none. */
  static async paired(
    context: BrowserContext,
    link: string,
    confirm?: () => Promise<unknown>,
  ): Promise<DashboardPage> {
    const dashboard = new DashboardPage(await context.newPage());
    await dashboard.pair(link, confirm);
    return dashboard;
  }

  async pair(link: string, confirm?: () => Promise<unknown>): Promise<void> {
    await this.page.goto(link);
    await this.page.getByRole("button", { name: "Pair", exact: true }).click();
    await confirm?.();
    await this.connected();
  }

  async connected(): Promise<void> {
    await this.page
      .getByText("Connected", { exact: true })
      .filter({ visible: true })
      .first()
      .waitFor();
  }

  /** Opens a thread with its first message; the thread's id. */
  async startThread(message: string): Promise<string> {
    const { page } = this;
    await page.goto(new URL("#/new", page.url()).href);
    const field = page.getByRole("textbox", { name: "First message" });
    await field.fill(message);
    await field.press("Enter");
    await page.waitForURL(/#\/thread\/./);
    return decodeURIComponent(page.url().split("#/thread/")[1] ?? "");
  }

  async openThread(threadId: string): Promise<void> {
    await this.page.goto(new URL(`#/thread/${encodeURIComponent(threadId)}`, this.page.url()).href);
    await this.messages.waitFor();
  }

  async say(message: string): Promise<void> {
    const field = this.page.getByRole("textbox", { name: "Message", exact: true });
    await field.fill(message);
    await field.press("Enter");
  }

  /** Until the thread that is open has nothing to do. */
  async idle(): Promise<void> {
    await this.page
      .getByRole("main")
      .getByText("Idle", { exact: true })
      .waitFor({ state: "attached" });
  }

  /** The conversation's text and cards. */
  get messages(): Locator {
    return this.page.getByRole("log");
  }

  command(text: string): Locator {
    return this.messages
      .getByRole("region", { name: "Command", exact: true })
      .filter({ hasText: text });
  }

  fileChanges(file: string): Locator {
    return this.messages
      .getByRole("region", { name: "File changes", exact: true })
      .filter({ hasText: file });
  }

  approval(question: Question): Locator {
    return this.page.getByRole("group", { name: question });
  }

  async answer(question: Question, choice: "Accept" | "Decline"): Promise<void> {
    await this.approval(question).getByRole("button", { name: choice, exact: true }).click();
  }
}
