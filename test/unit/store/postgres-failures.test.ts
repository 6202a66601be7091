import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { StoreError } from "../../../src/store/port.ts";
import { checkStore, openStore } from "../../../src/store/open-store.ts";
import { openDatabase } from "../../../src/db/database.ts";
import { PostgresDatabase } from "../../../src/store/postgres/database.ts";
import { openPostgres } from "../../../src/store/postgres/open-postgres.ts";
import { reachPostgres } from "../../../src/store/postgres/reach-postgres.ts";
import { metaOf, refusal, turnOf } from "../../contract/thread-events.ts";
import { startPostgresBridge } from "../../helpers/postgres-bridge.ts";
import type { PostgresBridge } from "../../helpers/postgres-bridge.ts";

const silent = { warn: () => undefined, error: () => undefined };

let bridge: PostgresBridge;
beforeAll(async () => {
  bridge = await startPostgresBridge();
}, 60_000);
afterAll(() => bridge.close());

const secret = "hunter2-%s%d";

/** The sentence, and all that goes with it as a log would show it. */
async function told(url: string): Promise<{ readonly sentence: string; readonly whole: string }> {
  try {
    await reachPostgres(url);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    const whole = `${error.stack} ${inspect(error, { depth: 9 })} ${JSON.stringify(error)}`;
    return { sentence: error.message, whole };
  }
  throw new Error("it was reached");
}

const holdsNoPassword = ({ whole }: { readonly whole: string }): boolean =>
  whole.length > 100 && !whole.includes("hunter2");

/** The bridge's address with a wrong password. */
function address(change: (url: URL) => void): string {
  const url = new URL(bridge.url);
  url.password = secret;
  change(url);
  return url.href;
}

const standardProvider = (): string => "mock";

describe("a database that cannot be used", () => {
  test("is named in a sentence that says what to do, without the password", async () => {
    const { port } = new URL(bridge.url);
    const refused = await told(address(() => undefined));
    expect(refused.sentence).toBe(
      `Could not look at the store: the database at 127.0.0.1:${port}/farhelm does not let this user in. Set user and password of DATABASE_URL right.`,
    );
    const closed = await told(address((url) => (url.port = "1")));
    expect(closed.sentence).toBe(
      "Could not look at the store: the database at 127.0.0.1:1/farhelm cannot be reached (ECONNREFUSED). Start it, or set DATABASE_URL right, and try again.",
    );
    const nowhere = await told(address((url) => (url.hostname = "nowhere.invalid")));
    expect(nowhere.sentence).toMatch(
      /^Could not look at the store: the database at nowhere\.invalid:\d+\/farhelm (is not found\. Set DATABASE_URL to a host that exists\.|cannot be reached \(EAI_AGAIN\)\. Start it, or set DATABASE_URL right, and try again\.)$/,
    );
    expect([refused, closed, nowhere].map(holdsNoPassword)).toEqual([true, true, true]);
  });

  test("because its address is none repeats nothing of it", async () => {
    const sentence =
      "DATABASE_URL is not the address of a Postgres database; an example is postgres://farhelm@localhost:5432/farhelm. Characters such as / @ # ? in a password are written as %2F %40 %23 %3F.";
    for (const url of [
      secret,
      `mysql://me:${secret}@host/db`,
      `postgres://me:1/${secret}@host/db`,
      `postgres://me:1#${secret}@host/db`,
      `postgres://me:1?${secret}@host/db`,
    ]) {
      const found = await told(url);
      expect([found.sentence, holdsNoPassword(found)]).toEqual([sentence, true]);
    }
  });

  test("because none is named says so", async () => {
    const database = openDatabase(":memory:");
    const sentence =
      "The store postgres needs DATABASE_URL in the environment, the address of a database; an example is postgres://farhelm@localhost:5432/farhelm.";
    for (const databaseUrl of [undefined, ""]) {
      const choice = { kind: "postgres", databaseUrl } as const;
      await expect(checkStore(choice)).rejects.toThrow(sentence);
      const rest = { codexHome: "/nowhere", database, installation: "one", log: silent };
      await expect(openStore({ ...choice, ...rest, standardProvider })).rejects.toThrow(sentence);
    }
    database.close();
  });
});

describe("a connection that breaks", () => {
  test("is made again, and every event is stored once", async () => {
    const { store } = await openPostgres({ url: bridge.url, installation: "one", log: silent });
    const meta = metaOf({});
    const writer = store.create(meta);
    await writer.append(turnOf("before"));
    const appends: Promise<void>[] = [];
    for (let round = 0; round < 3; round += 1) {
      appends.push(writer.append(turnOf(`during ${round}`)));
      const goOn = await bridge.stop();
      appends.push(writer.append(turnOf(`after ${round}`)));
      await goOn();
      await Promise.all(appends);
    }
    const { turns } = await store.load(meta.id);
    expect(turns.map(({ items }) => items[1])).toMatchObject(
      ["before", "during 0", "after 0", "during 1", "after 1", "during 2", "after 2"].map(
        (text) => ({ text: `answer to ${text}` }),
      ),
    );
    await store.close();
  }, 60_000);

  test("for good fails the call, and what was reported as failed is not there later", async () => {
    const log = silent;
    const { store } = await openPostgres({ url: bridge.url, installation: "two", log });
    const meta = metaOf({});
    const writer = store.create(meta);
    await writer.append(turnOf("before"));
    const goOn = await bridge.stop();
    expect(await refusal(writer.append(turnOf("lost")))).toBe("io");
    expect(await refusal(store.load(meta.id))).toBe("io");
    await goOn();
    await writer.append(turnOf("after"));
    const { turns } = await store.load(meta.id);
    expect(turns.map(({ items }) => items[1])).toMatchObject([
      { text: "answer to before" },
      { text: "answer to after" },
    ]);
    await store.close();
  }, 60_000);

  test("after a write leaves nothing of an attempt that was reported as failed", async () => {
    const { store } = await openPostgres({ url: bridge.url, installation: "three", log: silent });
    const meta = metaOf({});
    const writer = store.create(meta);
    await writer.append(turnOf("before"));
    // The database takes the batch, and its answer is lost for good.
    const database = new PostgresDatabase(bridge.url, silent);
    await database.query(
      "test",
      "INSERT INTO farhelm.history SELECT id, last_batch + 1, 1, '{}' FROM farhelm.threads WHERE id = $1",
      [meta.id],
    );
    const goOn = await bridge.stop();
    expect(await refusal(writer.append(turnOf("lost")))).toBe("io");
    await goOn();
    await writer.append(turnOf("after"));
    const rows = await database.query(
      "test",
      "SELECT batch::int AS batch FROM farhelm.history WHERE thread_id = $1 ORDER BY batch",
      [meta.id],
    );
    expect(rows).toEqual([{ batch: 1 }, { batch: 3 }]);
    await database.close();
    await store.close();
  }, 60_000);

  test("in the middle of a change leaves the note as it was, or changed once", async () => {
    const { store } = await openPostgres({ url: bridge.url, installation: "four", log: silent });
    const meta = metaOf({});
    const writer = store.create(meta);
    await writer.append(turnOf("hello"));
    const kind = { name: "words", parse: String };
    let runs = 0;
    const change = store.notes.change(meta.id, kind, (before) => {
      runs += 1;
      // The first attempt loses its connection before it can write.
      if (runs === 1) void bridge.stop().then((goOn) => goOn());
      return { value: `${before ?? ""}x` };
    });
    await change;
    expect(await store.notes.read(meta.id, kind)).toBe("x");
    await store.close();
  }, 60_000);
});
