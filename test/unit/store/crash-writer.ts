/**
 * A process that does one thing after another to the threads of a home and says so after each, until
 * it is killed. Arguments: CODEX_HOME, the database, a seed.
 */
import { writeSync } from "node:fs";
import { openDatabase } from "../../../src/db/database.ts";
import type { ThreadId } from "../../../src/protocol/ids.ts";
import { createLocalStore } from "../../../src/store/local/local-store.ts";
import type { ThreadWriter } from "../../../src/store/port.ts";
import { metaOf, turnOf } from "../../contract/thread-events.ts";
import { seededRandom } from "../../helpers/seeded-random.ts";
import type { Deed } from "./crash-deeds.ts";

const [codexHome = "", databaseFile = "", seed = "1"] = process.argv.slice(2);
const random = seededRandom(Number(seed));
const log = { warn: () => undefined, error: () => undefined };

/** Straight to the pipe: what was said stays said when the process dies. */
const say = (word: "begins" | "done", deed: Deed): void =>
  void writeSync(1, `${JSON.stringify({ word, deed })}\n`);

async function run(): Promise<never> {
  const store = createLocalStore({ codexHome, database: openDatabase(databaseFile), log });
  const meta = metaOf({
    createdAtMs: Date.now(),
    historyMode: Number(seed) % 3 === 0 ? "legacy" : "paginated",
  });
  let writer: ThreadWriter = store.create(meta);
  let { id } = meta;
  for (let step = 0; ; step += 1) {
    const text = `${seed}/${step}`;
    const deed = chosen(text, id, step);
    say("begins", deed);
    if (deed.kind === "append") {
      // Now and then more than one write can take at once.
      const long = random() < 0.1 ? "x".repeat(700_000) : "";
      await writer.append(turnOf(`${text} ${long}`));
    } else if (deed.kind === "rename") await store.rename(id, deed.name);
    else if (deed.kind === "archive") await store.setArchived(id, deed.archived);
    else if (deed.kind === "reopen") {
      await writer.close();
      writer = await store.open(id);
    } else {
      await writer.close();
      writer = await store.fork(id, metaOf({ id: deed.fork, createdAtMs: Date.now() }));
      id = deed.fork;
    }
    say("done", deed);
  }
}

let archived = false;

function chosen(text: string, id: ThreadId, step: number): Deed {
  const draw = step === 0 ? 0 : random();
  if (draw < 0.6) return { kind: "append", id, text };
  if (draw < 0.75) return { kind: "rename", id, name: text };
  if (draw < 0.85) {
    archived = !archived;
    return { kind: "archive", id, archived };
  }
  if (draw < 0.95) return { kind: "reopen", id };
  archived = false;
  return { kind: "fork", id, fork: metaOf({}).id };
}

await run();
