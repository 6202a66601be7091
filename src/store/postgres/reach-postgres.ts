import { PostgresDatabase } from "./database.ts";
import { refuseUnusable, versionIn } from "./schema.ts";

/** Signs in, changes nothing, and says what is there. Rejects with `StoreError`. */
export async function reachPostgres(url: string): Promise<string> {
  const database = new PostgresDatabase(url, { warn: () => undefined }, []);
  try {
    const { shown } = database.address;
    return await database.transaction("look at the store", async (query) => {
      const found = await versionIn(query);
      refuseUnusable(found, shown);
      const [row] = await query("SELECT current_setting('server_version') AS version");
      const tables =
        found.step === 0 ? "no tables yet, made at the first start" : "tables in order";
      return `the database at ${shown} (Postgres ${String(row?.["version"])}, ${tables})`;
    });
  } finally {
    await database.close();
  }
}
