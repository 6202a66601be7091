/** Where the database is, as people may read it: of DATABASE_URL everything but user and password. */
import { StoreError } from "../port.ts";

export interface DatabaseAddress {
  /** `HOST:PORT/NAME`, for sentences. */
  readonly shown: string;
}

const example = "postgres://farhelm@localhost:5432/farhelm";

const malformed = (): StoreError =>
  new StoreError(
    "io",
    `DATABASE_URL is not the address of a Postgres database; an example is ${example}. Characters such as / @ # ? in a password are written as %2F %40 %23 %3F.`,
  );

/** Throws `StoreError`, whose sentence repeats nothing of a text that cannot be read. */
export function addressOf(url: string): DatabaseAddress {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !["postgres:", "postgresql:"].includes(parsed.protocol)) {
    throw malformed();
  }
  // A password that was not encoded ends up behind the host.
  if (parsed.hash !== "" || `${parsed.pathname}${parsed.search}`.includes("@")) throw malformed();
  const host = parsed.searchParams.get("host") ?? (parsed.hostname || "localhost");
  const port = parsed.searchParams.get("port") ?? (parsed.port || "5432");
  return { shown: `${host}:${port}${parsed.pathname === "/" ? "" : parsed.pathname}` };
}
