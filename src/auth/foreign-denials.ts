/** Who of other issuers' people and agents is kept out, whatever farhelm.toml gives them. In Farhelm's database. */
import type { Database, Row } from "../db/database.ts";
import { durably } from "./durably.ts";
import type { ForeignDenial, ForeignTarget } from "./port.ts";

const migrations = [
  `CREATE TABLE auth_foreign_denials (
     kind TEXT NOT NULL CHECK (kind IN ('subject', 'account')),
     id TEXT NOT NULL,
     revoked_at_ms INTEGER NOT NULL,
     PRIMARY KEY (kind, id)
   ) STRICT;`,
];

export class ForeignDenials {
  readonly #database: Database;
  readonly #generation: { raise(): void };
  readonly #nowMs: () => number;
  readonly #statements;

  /** `generation` is raised with every entry, in the same transaction. */
  constructor(database: Database, generation: { raise(): void }, nowMs: () => number) {
    database.migrate("auth-foreign", migrations);
    this.#database = database;
    this.#generation = generation;
    this.#nowMs = nowMs;
    this.#statements = {
      find: database.prepare("SELECT 1 FROM auth_foreign_denials WHERE kind = ? AND id = ?"),
      list: database.prepare("SELECT * FROM auth_foreign_denials ORDER BY revoked_at_ms, rowid"),
      insert: database.prepare("INSERT INTO auth_foreign_denials VALUES (?, ?, ?)"),
      remove: database.prepare("DELETE FROM auth_foreign_denials WHERE kind = ? AND id = ?"),
    };
  }

  has({ kind, id }: ForeignTarget): boolean {
    return this.#statements.find.get(kind, id) !== undefined;
  }

  /** Oldest first. */
  list(): ForeignDenial[] {
    return this.#statements.list.all().map(denialOf);
  }

  /** False when it stands there already. */
  add(target: ForeignTarget): boolean {
    return durably(this.#database, () => {
      if (this.has(target)) return false;
      this.#statements.insert.run(target.kind, target.id, this.#nowMs());
      this.#generation.raise();
      return true;
    });
  }

  /** False when it does not stand there. */
  remove(target: ForeignTarget): boolean {
    return durably(this.#database, () => {
      if (!this.has(target)) return false;
      this.#statements.remove.run(target.kind, target.id);
      return true;
    });
  }
}

const denialOf = (row: Row): ForeignDenial => ({
  kind: row["kind"] === "account" ? "account" : "subject",
  id: String(row["id"]),
  revokedAtMs: Number(row["revoked_at_ms"]),
});
