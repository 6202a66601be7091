import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Method } from "../../src/dispatch/define.ts";
import { methods } from "../../src/features/index.ts";
import { mayAct, roles } from "../../src/protocol/principal.ts";

const place = join(import.meta.dirname, "../../PROTOCOL.md");
const command =
  "FARHELM_PIN_SCHEMA=1 npx vitest run --config test/vitest.config.ts --root . test/contract/role-matrix.test.ts";
const marks = { begin: "<!-- role matrix -->\n", end: "<!-- end of the role matrix -->" };

const all: readonly Method[] = methods;
const matrix = [
  `| method | ${roles.join(" | ")} |`,
  `|---|${roles.map(() => ":-:|").join("")}`,
  ...all.map((method) => {
    const may = method.localOnly ? "local" : "yes";
    const cells = roles.map((role) => (mayAct(role, method.role) ? may : "-"));
    return `| \`${method.name}\` | ${cells.join(" | ")} |`;
  }),
  "",
].join("\n");

test(`PROTOCOL.md shows what the registry says of every method and role; to write it anew: ${command}`, () => {
  const page = readFileSync(place, "utf8");
  const [before, rest = ""] = page.split(marks.begin);
  const [shown, after] = rest.split(marks.end);
  expect(after).toBeDefined();
  if (process.env["FARHELM_PIN_SCHEMA"] === "1") {
    writeFileSync(place, `${before}${marks.begin}${matrix}${marks.end}${after}`);
    return;
  }
  expect(shown).toBe(matrix);
});
