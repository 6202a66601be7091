/** Finds the models that Ollama and LM Studio serve on this machine. */
import { get } from "node:http";
import { isRecord } from "../util/is-record.ts";

export interface LocalServer {
  /** The provider id. */
  readonly id: "ollama" | "lmstudio";
  readonly name: string;
  /** `http://HOST:PORT` without a path. */
  readonly origin: string;
}

export const LOCAL_SERVERS: readonly LocalServer[] = [
  { id: "ollama", name: "Ollama", origin: "http://127.0.0.1:11434" },
  { id: "lmstudio", name: "LM Studio", origin: "http://127.0.0.1:1234" },
];

export interface LocalModel {
  readonly server: LocalServer;
  readonly model: string;
}

/** A server on this machine answers at once or is not there. */
const TIMEOUT_MS = 300;
const CACHE_MS = 30_000;
const MAX_BODY_BYTES = 1024 * 1024;

export class LocalModels {
  readonly #servers: readonly LocalServer[];
  readonly #now: () => number;
  #found: Promise<readonly LocalModel[]> | undefined;
  #foundAtMs = 0;

  constructor(servers: readonly LocalServer[], now: () => number = () => performance.now()) {
    this.#servers = servers;
    this.#now = now;
  }

  /** The models of the servers that answer; what was found is kept for half a minute. Never rejects. */
  find(): Promise<readonly LocalModel[]> {
    if (this.#found === undefined || this.#now() - this.#foundAtMs > CACHE_MS) {
      this.#foundAtMs = this.#now();
      this.#found = Promise.all(this.#servers.map(modelsOf)).then((lists) => lists.flat());
    }
    return this.#found;
  }
}

async function modelsOf(server: LocalServer): Promise<readonly LocalModel[]> {
  const answer = await getJson(
    server.origin + (server.id === "ollama" ? "/api/tags" : "/v1/models"),
  );
  if (!isRecord(answer)) return [];
  const [rows, member] =
    server.id === "ollama" ? [answer["models"], "name"] : [answer["data"], "id"];
  if (!Array.isArray(rows)) return [];
  return rows.flatMap((row: unknown) => {
    const model = isRecord(row) ? row[member] : undefined;
    return typeof model === "string" && model !== "" ? [{ server, model }] : [];
  });
}

/** The parsed body of a 200 answer, else undefined. */
function getJson(url: string): Promise<unknown> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, signal: AbortSignal.timeout(TIMEOUT_MS) });
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on("error", () => resolve(undefined));
    request.on("response", (response) => {
      response.on("error", () => resolve(undefined));
      response.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MAX_BODY_BYTES) response.destroy(new Error("too large"));
        else chunks.push(chunk);
      });
      response.on("end", () =>
        resolve(response.statusCode === 200 ? parsed(Buffer.concat(chunks)) : undefined),
      );
    });
  });
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
}
