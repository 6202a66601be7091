/** Markdown needs a real page to be sanitised in, so it is read by the browser itself, under the host's policy. */
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, Page } from "playwright-core";
import { chromium } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";

const entry = new URL("../../../src/dashboard/host/markdown-blocks.ts", import.meta.url).pathname;
const executablePath = process.env["CHROMIUM_PATH"] ?? "/usr/bin/chromium";
const Built = z.array(
  z.object({ output: z.array(z.looseObject({ code: z.string().optional() })) }),
);
const Blocks = z.array(z.looseObject({ kind: z.string() }));

describe.skipIf(!existsSync(executablePath))("in a browser", () => {
  let browser: Browser;
  let page: Page;
  const complaints: string[] = [];
  const server = createServer();

  beforeAll(async () => {
    const built: unknown = await build({
      configFile: false,
      logLevel: "silent",
      build: { write: false, minify: false, lib: { entry, formats: ["es"], fileName: "blocks" } },
    });
    const code = Built.parse(built)[0]?.output[0]?.code ?? "";
    server.on("request", ({ url }, response) => {
      const script = url === "/blocks.js";
      response.setHeader("content-type", script ? "text/javascript" : "text/html");
      response.setHeader("content-security-policy", "default-src 'none'; script-src 'self'");
      response.end(
        script
          ? `${code}\nglobalThis.read = readMarkdown;`
          : `<script type=module src=/blocks.js></script>`,
      );
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    browser = await chromium.launch({
      executablePath,
      args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
    });
    page = await browser.newPage();
    page.on("console", (message) => complaints.push(message.text()));
    const address: AddressInfo | string | null = server.address();
    if (typeof address !== "object" || address === null) throw new Error("no address");
    await page.goto(`http://127.0.0.1:${address.port}/`);
    await page.waitForFunction("globalThis.read");
  }, 60_000);

  afterAll(async () => {
    await browser.close();
    server.close();
  });

  const read = async (markdown: string) =>
    Blocks.parse(await page.evaluate(`read(${JSON.stringify(markdown)})`));

  test("what a message can do is text, links that open apart, and code", async () => {
    expect(await read("A **b** [c](https://example.com)\n\n```ts\nlet a = 1;\n```")).toEqual([
      {
        kind: "html",
        key: 0,
        html: '<p>A <strong>b</strong> <a href="https://example.com" target="_blank" rel="noopener noreferrer">c</a></p>\n',
      },
      { kind: "code", key: 2, code: "let a = 1;", language: "ts" },
    ]);
  });

  test.each([
    "<img src=x onerror=alert(1)>",
    "text <script>alert(1)</script> text",
    '<a href="https://example.com" style="position:fixed" onclick="alert(1)">x</a>',
    "[x](javascript:alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "![x](https://example.com/pixel.png)",
    "<svg><style>*{display:none}</style></svg>",
    '<form action="https://example.com"><input name=a></form>',
  ])("%s makes no element that acts, loads or looks like the page", async (markdown) => {
    const html = (await read(markdown)).map((block) => String(block["html"])).join("");
    const dangerous = await page.evaluate(`(() => {
    const holder = document.createElement("template");
    holder.innerHTML = ${JSON.stringify(html)};
    return [...holder.content.querySelectorAll("*")].flatMap((element) =>
      [...element.attributes].map(({ name, value }) => name + "=" + value)
        .concat("<" + element.localName + ">")
    ).filter((part) => !["<p>", "<a>", "target=_blank", "rel=noopener noreferrer"].includes(part));
  })()`);
    expect(dangerous).toEqual([]);
  });

  test("reading hostile text breaks no rule of the page's policy", () => {
    expect(complaints).toEqual([]);
  });
});
