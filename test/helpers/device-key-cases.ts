/** What may be wrong with params of `device/key/sign`, one thing at a time and all at once. */
export interface SignCase {
  readonly name: string;
  readonly params: { readonly keyId: string; readonly payload: Readonly<Record<string, unknown>> };
}

const bytes = (count: number): string => Buffer.alloc(count, 7).toString("base64url");
/** Of the form that every key has; no key has this one. */
export const unknownKeyId = `dk_osn_${bytes(32)}`;

export const connection = (nowSeconds: number) =>
  ({
    type: "remoteControlClientConnection",
    nonce: bytes(32),
    audience: "remote_control_client_websocket",
    sessionId: "session",
    targetOrigin: "https://chatgpt.com",
    targetPath: "/api/codex/remote/control/client",
    accountUserId: "account",
    clientId: "client",
    tokenExpiresAt: nowSeconds + 600,
    tokenSha256Base64url: bytes(32),
    scopes: ["remote_control_controller_websocket"],
  }) as const;

export const enrollment = (nowSeconds: number) =>
  ({
    type: "remoteControlClientEnrollment",
    nonce: bytes(32),
    audience: "remote_control_client_enrollment",
    challengeId: "challenge",
    targetOrigin: "https://chatgpt.com",
    targetPath: "/api/codex/remote/control/client/enroll",
    accountUserId: "account",
    clientId: "client",
    deviceIdentitySha256Base64url: bytes(32),
    challengeExpiresAt: nowSeconds + 600,
  }) as const;

const encodings = [
  "",
  bytes(31),
  bytes(33),
  `${bytes(32)}=`,
  `${bytes(32).slice(0, 42)}d`,
  "+".repeat(43),
  bytes(2000),
];
const origins = [
  "https://chatgpt.com/",
  "https://chatgpt.com/x",
  "https://chatgpt.com//",
  "https://chatgpt.com?x",
  "https://chatgpt.com?",
  "https://chatgpt.com#",
  "https://chatgpt.com\\",
  "http://chatgpt.com",
  "HTTPS://CHATGPT.com",
  "https://chatgpt.com:8443",
  "https://user:word@chatgpt.com",
  "https://chatgpt.com@example.com",
  "https://a.b.chatgpt.com",
  "https://chatgpt.com.",
  "https://evilchatgpt.com",
  "https://chatgpt.com.example.com",
  "https://x.chatgpt-staging.com",
  "http://localhost:1",
  "https://localhost",
  "http://foo.localhost",
  "http://localhost.",
  "http://127.0.0.1:9",
  "http://127.1",
  "http://127.0.0.2",
  "http://2130706433",
  "http://10.0.0.1",
  "http://0.0.0.0",
  "http://[::1]:1",
  "http://[::ffff:127.0.0.1]",
  "ws://localhost",
  " https://chatgpt.com",
  "https:chatgpt.com",
  "chatgpt.com",
  "",
];
const paths = [
  "/api/codex/remote/control/client",
  "/wham/remote/control/client",
  "/api/codex/remote/control/client/enroll",
  "/wham/remote/control/client/enroll",
  "/backend-api/wham/remote/control/client",
  "/wham/remote/control/client/",
  "/wham/remote/control/client?x",
  "",
];
const scope = "remote_control_controller_websocket";

/** Values to try for each member; members that a payload does not have are ignored by it. */
const values = (nowSeconds: number): Readonly<Record<string, readonly unknown[]>> => ({
  nonce: encodings,
  targetOrigin: origins,
  targetPath: paths,
  sessionId: ["", " "],
  challengeId: ["", " "],
  accountUserId: ["", " "],
  clientId: ["", " "],
  tokenSha256Base64url: encodings,
  deviceIdentitySha256Base64url: encodings,
  scopes: [[], ["x"], [scope, scope], "x", null],
  tokenExpiresAt: expiries(nowSeconds),
  challengeExpiresAt: expiries(nowSeconds),
  audience: ["remote_control_client_websocket", "remote_control_client_enrollment", "x", null],
  type: ["remoteControlClientConnection", "remoteControlClientEnrollment", "x", null],
  extra: [1],
});

/** Away from the edges, which move while a test runs. */
const expiries = (nowSeconds: number): readonly unknown[] => [
  nowSeconds - 60,
  nowSeconds + 60,
  nowSeconds + 880,
  nowSeconds + 960,
  0,
  -1,
  1.5,
  "1",
  null,
];

export function signCases(nowSeconds: number): readonly SignCase[] {
  const tries = [connection(nowSeconds), enrollment(nowSeconds)].flatMap((payload) => {
    const named = (name: string, changed: Readonly<Record<string, unknown>>): SignCase => ({
      name: `${payload.type}: ${name}`,
      params: { keyId: unknownKeyId, payload: changed },
    });
    const changes = Object.entries(values(nowSeconds)).flatMap(([member, all]) =>
      all.map((value) =>
        named(`${member} ${JSON.stringify(value)}`, { ...payload, [member]: value }),
      ),
    );
    const missing = Object.keys(payload).map((member) =>
      named(
        `without ${member}`,
        Object.fromEntries(Object.entries(payload).filter(([name]) => name !== member)),
      ),
    );
    return [named("as it is", payload), ...changes, ...missing, ...mending(payload, named)];
  });
  const keyIds = ["hse", "tpm", "xxx"].map((kind) => `dk_${kind}_${bytes(32)}`);
  return [
    ...tries,
    ...[...keyIds, "", `${unknownKeyId}=`, `dk_osn_${bytes(31)}`].map((keyId) => ({
      name: `key ${keyId}`,
      params: { keyId, payload: connection(nowSeconds) },
    })),
  ];
}

/** Everything wrong, then right again member by member: who is named first, whatever the order of mending? */
function mending(
  payload: Readonly<Record<string, unknown>>,
  named: (name: string, changed: Readonly<Record<string, unknown>>) => SignCase,
): readonly SignCase[] {
  const members = Object.keys(payload).filter((name) => name !== "type" && name !== "audience");
  return members.flatMap((_, first) =>
    [members, members.toReversed()].map((order) => {
      const bad = new Set(order.slice(first));
      const changed = Object.fromEntries(
        Object.entries(payload).map(([name, value]) => [name, bad.has(name) ? wrong(name) : value]),
      );
      return named(`wrong: ${[...bad].join(", ")}`, changed);
    }),
  );
}

const wrong = (name: string): unknown => {
  if (name === "scopes") return [];
  if (name.endsWith("ExpiresAt")) return 0;
  return name.includes("Sha256") ? "x" : "";
};
