/** The HTTP calls under `/auth/`, typed by the contract. Shapes are trusted: the host is the one that this device was paired with. */
import type {
  ConnectFinish,
  ConnectStart,
  HostProve,
  PairFinish,
  PairStart,
  PairStatus,
  Refusal,
  TokenFinish,
  TokenStart,
} from "../protocol/auth-api.ts";
import { Refused } from "./refused.ts";

type Endpoint =
  | typeof HostProve
  | typeof PairStart
  | typeof PairFinish
  | typeof PairStatus
  | typeof TokenStart
  | typeof TokenFinish
  | typeof ConnectStart
  | typeof ConnectFinish;

export type AuthCalls = {
  [E in Endpoint as E["path"]]: {
    request: E["request"]["_zod"]["input"];
    response: E["response"]["_zod"]["output"];
  };
};

/** The part of `fetch` that is used. */
export type HttpPost = (
  url: string,
  init: {
    readonly method: "POST";
    readonly headers: Record<string, string>;
    readonly body: string;
    readonly cache: "no-store";
    readonly redirect: "error";
  },
) => Promise<{ readonly status: number; text(): Promise<string> }>;

/** The host could not be reached, or something between answered in its place. */
export class Unreachable extends Error {
  override readonly name = "Unreachable";
}

/** Rejects with `Refused` or `Unreachable`. */
export async function authCall<Path extends keyof AuthCalls>(
  host: { readonly origin: string; readonly post: HttpPost },
  path: Path,
  body: AuthCalls[Path]["request"],
  bearer?: string,
): Promise<AuthCalls[Path]["response"]> {
  const { status, text } = await send(host, path, JSON.stringify(body), bearer);
  if (status < 200 || status > 299) throw refusal(status, text);
  try {
    const answer: AuthCalls[Path]["response"] = JSON.parse(text);
    return answer;
  } catch (cause) {
    throw new Unreachable("The host's answer cannot be read.", { cause });
  }
}

async function send(
  { origin, post }: { readonly origin: string; readonly post: HttpPost },
  path: string,
  body: string,
  bearer: string | undefined,
): Promise<{ status: number; text: string }> {
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (bearer !== undefined) headers["authorization"] = `Bearer ${bearer}`;
  try {
    const answer = await post(`${origin}${path}`, {
      method: "POST",
      headers,
      body,
      cache: "no-store",
      redirect: "error",
    });
    return { status: answer.status, text: await answer.text() };
  } catch (cause) {
    throw new Unreachable("The host cannot be reached.", { cause });
  }
}

function refusal(status: number, text: string): Error {
  try {
    const parsed: Partial<Refusal> | null = JSON.parse(text);
    const error = parsed?.error;
    if (typeof error?.code === "string") return new Refused(status, error);
  } catch {
    // Not ours: a proxy's page. Handled below.
  }
  return new Unreachable(`The host answered with HTTP status ${status}.`);
}
