/** A real browser for the end-to-end tests: the Chromium of this machine, headless. */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import type { Browser } from "playwright-core";
import { chromium } from "playwright-core";

const names = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

/** Undefined where there is none; `FARHELM_CHROMIUM` names one that is not in PATH. */
export const chromiumPath: string | undefined = [
  process.env["FARHELM_CHROMIUM"] ?? "",
  ...(process.env["PATH"] ?? "").split(delimiter).flatMap((dir) => names.map((n) => join(dir, n))),
].find((path) => path !== "" && isExecutable(path));

if (chromiumPath === undefined) {
  const next = "install it (Debian: apt-get install chromium), or name it in FARHELM_CHROMIUM";
  if (process.env["FARHELM_REQUIRE_BROWSER"] === "1") throw new Error(`No Chromium: ${next}.`);
  process.stderr.write(`SKIPPED: there is no Chromium, nothing was seen in a browser; ${next}\n`);
}

/** For a host, a browser and a pairing on a machine that is busy. */
export const startLimitMs = 180_000;

/** Its profile is a new temporary folder. Nothing that it does by itself leaves this machine. */
export const launchChromium = (...flags: readonly string[]): Promise<Browser> =>
  chromium.launch({
    executablePath: chromiumPath ?? "chromium",
    headless: true,
    timeout: 60_000,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--no-first-run",
      "--disable-quic",
      ...flags,
    ],
  });

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
