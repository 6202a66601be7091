import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import {
  HostClient,
  configFor,
  startOn,
  stopHosts,
  temporaryHomes,
} from "../helpers/running-host.ts";

afterEach(stopHosts);

test("an answer of any size reaches the one who asked, two at a time too", async () => {
  const homes = temporaryHomes(configFor("http://127.0.0.1:9"));
  await startOn(homes);
  const client = await HostClient.connect(homes);
  const path = join(homes.root, "long");
  const dataBase64 = randomBytes(8 * 1024 * 1024 - 1).toString("base64");
  writeFileSync(path, Buffer.from(dataBase64, "base64"));
  const answers = await Promise.all([1, 2].map(() => client.call("fs/readFile", { path })));
  expect(answers.map((answer) => answer["dataBase64"] === dataBase64)).toEqual([true, true]);
}, 60_000);
