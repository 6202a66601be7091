import { expect, test } from "vitest";
import { ThreadId, TurnId } from "../../../src/protocol/ids.ts";
import { createMemoryStore } from "../../../src/store/memory-store.ts";
import { LoadedThreads } from "../../../src/threads/loaded-threads.ts";
import { ThreadReading } from "../../../src/threads/thread-reading.ts";

test("whether a deleted thread holds something is the caller's error, not the host's", async () => {
  const reading = new ThreadReading(new LoadedThreads(), createMemoryStore());
  const id = ThreadId.parse("019a0000-0000-7000-8000-000000000001");
  await expect(reading.isSaid(id, TurnId.parse("t"))).rejects.toMatchObject({
    code: -32_600,
    message: `no rollout found for thread id ${id}`,
  });
});
