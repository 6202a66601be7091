import type { Database, Statement } from "./database.ts";

/** Gives the statement of a text, prepared once. For a room's own texts: none is ever dropped. */
export function keptStatements(database: Database): (sql: string) => Statement {
  const statements = new Map<string, Statement>();
  return (sql) => {
    const known = statements.get(sql);
    if (known !== undefined) return known;
    const made = database.prepare(sql);
    statements.set(sql, made);
    return made;
  };
}
