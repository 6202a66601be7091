/** Finding files as somebody types, over real sockets. */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { HostClient, startOn, stopHosts, temporaryHomes } from "../helpers/running-host.ts";

afterEach(stopHosts);

async function bench() {
  const homes = temporaryHomes("");
  const host = await startOn(homes);
  const client = await HostClient.connect(homes);
  for (const name of ["src/alpha.js", "src/Beta.js", "docs/alphabet.md", "other/gamma.txt"]) {
    mkdirSync(dirname(join(homes.cwd, name)), { recursive: true });
    writeFileSync(join(homes.cwd, name), "");
  }
  return {
    homes,
    host,
    client,
    said: (method: string, params: object): Promise<unknown> =>
      client.call(`fuzzyFileSearch${method}`, params).catch((error: Error) => error.message),
    /** What was told for the query when all was looked at. */
    typed: async (sessionId: string, query: string): Promise<unknown> => {
      const before = client.sent.length;
      await client.call("fuzzyFileSearch/sessionUpdate", { sessionId, query });
      await client.until(
        (sent) =>
          sent.method === "fuzzyFileSearch/sessionCompleted" && client.sent.indexOf(sent) >= before,
      );
      return client.sent.findLast(({ method }) => method === "fuzzyFileSearch/sessionUpdated")
        ?.params;
    },
  };
}

const row = (root: string, path: string, score: number, indices: readonly number[]) => ({
  root,
  path,
  match_type: "file",
  file_name: path.split("/").at(-1),
  score,
  indices,
});

test("one search is answered with what was found, the best first", async () => {
  const { homes, said } = await bench();
  const { cwd } = homes;
  const found = {
    files: [
      row(cwd, "docs/alphabet.md", 65_670, [5, 6, 7, 8, 9]),
      row(cwd, "src/alpha.js", 65_670, [4, 5, 6, 7, 8]),
    ],
  };
  expect(await said("", { query: "alpha", roots: [cwd], cancellationToken: null })).toEqual(found);
  expect(await said("", { query: "alpha", roots: [`${cwd}/none`, cwd] })).toEqual(found);
  expect(await said("", { query: "alpha", roots: ["src"] })).toEqual({
    files: [row("src", "alpha.js", 65_670, [0, 1, 2, 3, 4])],
  });
  for (const params of [
    { query: "", roots: [cwd] },
    { query: "alpha", roots: [] },
    { query: "alpha", roots: [join(cwd, "src/alpha.js")] },
    { query: "zzzz", roots: [cwd], cancellationToken: "t" },
  ]) {
    expect(await said("", params)).toEqual({ files: [] });
  }
});

test("a session finds the files once and tells of each query, until it is stopped", async () => {
  const { homes, said, typed, client } = await bench();
  const { cwd } = homes;
  expect(await said("/sessionStart", { sessionId: "s", roots: [cwd] })).toEqual({});
  await client.until(({ method }) => method === "fuzzyFileSearch/sessionCompleted");
  expect(
    client.sent.find(({ method }) => method === "fuzzyFileSearch/sessionUpdated")?.params,
  ).toEqual({ sessionId: "s", query: "", files: [] });
  expect(await typed("s", "gam")).toMatchObject({ files: [{ path: "other/gamma.txt" }] });
  expect(await typed("s", "src/beta")).toMatchObject({
    sessionId: "s",
    query: "src/beta",
    files: [{ root: cwd, path: "src/Beta.js", indices: [0, 1, 2, 3, 4, 5, 6, 7] }],
  });
  expect(await typed("s", "nothing of it")).toEqual({
    sessionId: "s",
    query: "nothing of it",
    files: [],
  });
  expect(await said("/sessionStop", { sessionId: "s" })).toEqual({});
  expect(await said("/sessionStop", { sessionId: "s" })).toEqual({});
  const gone = "-32600 fuzzy file search session not found: s";
  expect(await said("/sessionUpdate", { sessionId: "s", query: "a" })).toBe(gone);
});

test("sessions are the connection's own, and there are only so many", async () => {
  const { homes, said } = await bench();
  const roots = [homes.cwd];
  expect(await said("/sessionStart", { sessionId: "", roots })).toBe(
    "-32600 sessionId must not be empty",
  );
  expect(await said("/sessionStart", { sessionId: "n", roots: [] })).toBe(
    "-32603 failed to start fuzzy file search session: at least one search directory is required",
  );
  for (let index = 0; index < 16; index++) {
    expect(await said("/sessionStart", { sessionId: `s${index}`, roots })).toEqual({});
  }
  expect(await said("/sessionStart", { sessionId: "s0", roots })).toEqual({});
  expect(await said("/sessionStart", { sessionId: "more", roots })).toContain("16 searches");
  const other = await HostClient.connect(homes);
  const update = { sessionId: "s0", query: "a" };
  expect(await other.call("fuzzyFileSearch/sessionUpdate", update).catch(String)).toContain(
    "session not found",
  );
});

test("a guest of one folder finds nothing outside of it", async () => {
  const { homes, host, client } = await bench();
  const src = join(homes.cwd, "src");
  symlinkSync("../docs", join(src, "way"));
  const { token, id } = await client.call("farhelm/token/issue", {
    name: "guest",
    role: "operator",
    ttlMs: 600_000,
  });
  await client.call("farhelm/devices/change", { id, scope: { projects: [src] } });
  const headers = { authorization: `Bearer ${String(token)}` };
  const guest = await HostClient.initialized(
    new WebSocket(host.url.replace("http", "ws"), { headers }),
  );
  const search = (roots: readonly string[]): Promise<unknown> =>
    guest.call("fuzzyFileSearch", { query: "alph", roots }).catch(String);
  expect(await search([src])).toMatchObject({ files: [{ path: "alpha.js" }] });
  expect(await search([src])).not.toMatchObject({ files: [{}, {}] });
  expect(await search([homes.cwd])).toContain("is out of reach of this access");
});
