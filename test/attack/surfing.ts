/** A real browser among strangers: their page, their open server, and the dashboard of a person who is paired. */
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll } from "vitest";
import { chromiumPath, launchChromium, startLimitMs } from "../helpers/chromium.ts";
import { DashboardPage } from "../helpers/dashboard-page.ts";
import type { Bench } from "./bench.ts";
import { foreignPage, serve, serveOpenly, type Serving } from "./serving.ts";

/** Whether there is a Chromium; where there is none, test/helpers/chromium.ts says aloud what is SKIPPED. */
export const possible = chromiumPath !== undefined;
/** What every attack with a browser is given. */
export const inBrowser = { possible, timeoutMs: startLimitMs };

export class Surfing {
  #browser: Browser | undefined;
  #foreign: Serving | undefined;
  #open: (Serving & { readonly seen: readonly string[] }) | undefined;

  /** For all attacks of one file. */
  constructor(...flags: readonly string[]) {
    beforeAll(async () => {
      if (!possible) return;
      this.#foreign = await serve(foreignPage);
      this.#open = await serveOpenly();
      this.#browser = await launchChromium(...flags);
    }, startLimitMs);
    afterAll(async () => {
      await this.#browser?.close();
      this.#foreign?.close();
      this.#open?.close();
    });
  }

  get browser(): Browser {
    if (this.#browser === undefined) throw new Error("there is no browser");
    return this.#browser;
  }

  /** Where the page of strangers is, by one of this machine's names. */
  foreignAt(name: "127.0.0.1" | "localhost"): string {
    return `http://${name}:${this.#foreign?.port ?? 0}`;
  }

  get openPort(): number {
    return this.#open?.port ?? 0;
  }

  /** Everything that the open server was asked, with the headers. */
  get seen(): readonly string[] {
    return this.#open?.seen ?? [];
  }

  /** The browser of a person who is paired. */
  async paired(
    bench: Bench,
  ): Promise<{ readonly context: BrowserContext; readonly dashboard: DashboardPage }> {
    const context = await this.browser.newContext();
    const { id, url } = await bench.offer("admin");
    return {
      context,
      dashboard: await DashboardPage.paired(context, url, () => bench.confirm(id)),
    };
  }
}

/** Runs `script` in the page; the list of texts that it gives. */
export async function lines(page: Page, script: string): Promise<readonly string[]> {
  const outcome: unknown = await page.evaluate(script);
  if (!Array.isArray(outcome)) throw new Error("The page said nothing.");
  return outcome.map(String);
}

/** What came through to `urls` from a page at `origin`. */
export async function cameThrough(
  context: BrowserContext,
  origin: string,
  urls: readonly string[],
  socketUrls = urls,
): Promise<readonly string[]> {
  const page = await context.newPage();
  await page.goto(origin);
  const script = `tryAll(${JSON.stringify(urls)}, ${JSON.stringify(socketUrls)})`;
  const through = await lines(page, script);
  await page.close();
  return through;
}
