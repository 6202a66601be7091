import { defineConfig } from "vitest/config";
import { AttackTableReporter } from "./attack/attack-table.ts";
import { ClosingLineReporter } from "./helpers/closing-line-reporter.ts";

/** Files named `*.long.test.ts` run under `npm run test:long` alone. */
const long = process.env["FARHELM_LONG_TESTS"] === "1";

export default defineConfig({
  test: {
    include: [long ? "test/**/*.long.test.ts" : "test/**/*.test.ts"],
    exclude: long ? [] : ["test/**/*.long.test.ts"],
    passWithNoTests: long,
    globalSetup: ["test/helpers/own-home.ts"],
    pool: "forks",
    // Two cores is what the suite is made for; more processes only make time limits tight.
    maxWorkers: 2,
    testTimeout: long ? 300_000 : 60_000,
    hookTimeout: 60_000,
    reporters: ["default", new AttackTableReporter(), new ClosingLineReporter()],
  },
});
