/** `[[issuers]]` and `[[agents]]` of farhelm.toml: whose tokens are taken besides the host's own, and what role they give. */
import { isIP } from "node:net";
import { z } from "zod";
import { agentIdentityIssuer, appServerAudience } from "../protocol/agent-identity.ts";
import { Role, roles as allRoles } from "../protocol/principal.ts";

/** Where the claims are that a role is decided by; a path of member names from the outside in. */
interface ClaimMap {
  readonly subject: readonly string[];
  readonly account: readonly string[] | undefined;
  readonly roles: readonly string[] | undefined;
}

/** A role, or `claim`: the strongest that `roles` gives for the values of the token's roles claim. */
type Grant = Role | "claim";

export interface IssuerSettings {
  readonly iss: string;
  readonly aud: string;
  /** `url`: https, or http on loopback. `file`: absolute, or relative to FARHELM_HOME. */
  readonly jwks: { readonly url: string } | { readonly file: string };
  readonly algorithms: readonly ("RS256" | "ES256" | "EdDSA")[];
  /** Accepted values of the header's `typ`, compared exactly; undefined: `JWT` or none at all. */
  readonly types: readonly string[] | undefined;
  readonly claims: ClaimMap;
  /** The exact subject or account -> what it may be. A subject's own line goes before its account's. */
  readonly subjects: ReadonlyMap<string, Grant>;
  readonly accounts: ReadonlyMap<string, Grant>;
  /** A value of the roles claim -> a role. */
  readonly roles: ReadonlyMap<string, Role>;
  /** Taken from other machines and through proxies, too. */
  readonly remote: boolean;
  /** How often the keys are asked for anew, at least. */
  readonly refreshMs: number;
  /** How long the last good keys serve while new ones cannot be had. */
  readonly maxStaleMs: number;
}

/** An agent runtime that signs `AgentAssertion` headers. */
export interface AgentSettings {
  readonly runtimeId: string;
  /** Ed25519, SubjectPublicKeyInfo in standard base64. */
  readonly publicKeySpkiBase64: string;
  readonly account: string;
  readonly role: Role;
}

const maxNameLength = 255;
const visible =
  /^[\u0021-\u007e\u00a0-\u{10ffff}](?:[\u0020-\u007e\u00a0-\u{10ffff}]*[\u0021-\u007e\u00a0-\u{10ffff}])?$/u;

const Name = z
  .string()
  .min(1, "it is empty")
  .max(maxNameLength, `it is longer than ${maxNameLength} characters`)
  .regex(visible, "it has control characters, or spaces around it");

const Iss = Name.refine(
  (iss) => !iss.includes("|"),
  "it has a `|`, which separates issuer and subject",
).refine(
  (iss) => !iss.startsWith("urn:farhelm:"),
  "it is the name of a Farhelm host; hosts do not vouch for each other",
);

/** Ids that signed strings are joined from with `:`. */
const RuntimeId = Name.refine(
  (id) => !id.includes(":"),
  "it has a `:`, which separates the parts of what is signed",
);

const Path = z
  .union(
    [
      Name.transform((name) => [name]),
      z.array(Name).min(1, "it is empty").max(8, "it is too deep"),
    ],
    "it must be the name of a claim, or a list of names from the outside in",
  )
  .refine((path) => !path.includes("__proto__"), "it is no claim");

const Grants = filled(z.record(Name, z.enum([...allRoles, "claim"])));
const Types = Name.refine(
  (type) => !type.startsWith("farhelm-"),
  "it is a type of the host's own tokens",
);

const IssuerTable = z.strictObject({
  iss: Iss,
  aud: Name.optional(),
  jwks_url: z.string().superRefine(checkKeysUrl).optional(),
  jwks_file: z.string().min(1, "it is empty").optional(),
  algorithms: z
    .array(z.enum(["RS256", "ES256", "EdDSA"]))
    .min(1, "it is empty")
    .optional(),
  types: z.array(Types).min(1, "it is empty").optional(),
  claims: z
    .strictObject({ subject: Path.optional(), account: Path.optional(), roles: Path.optional() })
    .optional(),
  subjects: Grants,
  accounts: Grants,
  roles: filled(z.record(Name, Role)),
  remote: z.boolean().default(false),
  refresh_seconds: seconds(1, 86_400).default(300),
  max_stale_seconds: seconds(0, 7 * 86_400).default(3600),
});
type IssuerTable = z.infer<typeof IssuerTable>;

export const Issuers = z
  .array(IssuerTable.superRefine(checkIssuer).transform(issuerOf))
  .superRefine((issuers, context) => {
    reportRepeated(
      issuers.map(({ iss }) => iss),
      "iss",
      context,
    );
  });

export const Agents = z
  .array(
    z
      .strictObject({
        id: RuntimeId,
        public_key: z
          .string()
          .regex(
            ed25519Spki(),
            "it is no Ed25519 public key, SubjectPublicKeyInfo in DER and base64",
          ),
        account: Name,
        role: Role,
      })
      .transform(({ id, public_key: publicKeySpkiBase64, account, role }): AgentSettings => ({
        runtimeId: id,
        publicKeySpkiBase64,
        account,
        role,
      })),
  )
  .superRefine((agents, context) => {
    reportRepeated(
      agents.map(({ runtimeId }) => runtimeId),
      "id",
      context,
    );
  });

/** What one member cannot say by itself. */
function checkIssuer(table: IssuerTable, context: z.RefinementCtx): void {
  const stock = table.iss === agentIdentityIssuer;
  const wrong = (member: string, message: string): void =>
    context.addIssue({ code: "custom", path: [member], message });
  if (!stock && table.aud === undefined) wrong("aud", "it is missing");
  if (!stock && table.algorithms === undefined) wrong("algorithms", "it is missing");
  if ((table.jwks_url === undefined) === (table.jwks_file === undefined))
    wrong("jwks_url", "exactly one of `jwks_url` and `jwks_file` must be there");
  checkGrants(table, wrong);
  if (!stock) return;
  if ((table.aud ?? appServerAudience) !== appServerAudience)
    wrong("aud", `tokens of this issuer are for \`${appServerAudience}\``);
  if (table.algorithms?.some((algorithm) => algorithm !== "RS256"))
    wrong("algorithms", "tokens of this issuer are signed with RS256");
  for (const member of ["subjects", "accounts"] as const)
    if ([...table[member].keys()].some((id) => id.includes(":")))
      wrong(member, "an id has a `:`, which separates the parts of what is signed");
}

function checkGrants(table: IssuerTable, wrong: (member: string, message: string) => void): void {
  const { subjects, accounts, roles } = table;
  const claims = claimsOf(table);
  if (subjects.size + accounts.size === 0)
    wrong("subjects", "nobody is let in: name each subject or account and its role");
  if (accounts.size > 0 && claims.account === undefined)
    wrong("claims", "`account` is missing: the name of the claim that holds the account");
  const byClaim = [...subjects.values(), ...accounts.values()].includes("claim");
  if (byClaim && (roles.size === 0 || claims.roles === undefined))
    wrong("roles", '"claim" needs `claims.roles` and the table `roles`');
  if (!byClaim && (roles.size > 0 || claims.roles !== undefined))
    wrong("roles", 'it is never used: no subject and no account has "claim" as its role');
}

function claimsOf({ iss, claims = {} }: IssuerTable): ClaimMap {
  const stock = iss === agentIdentityIssuer;
  return {
    subject: claims.subject ?? [stock ? "agent_runtime_id" : "sub"],
    account: claims.account ?? (stock ? ["account_id"] : undefined),
    roles: claims.roles,
  };
}

function issuerOf(table: IssuerTable): IssuerSettings {
  const { iss, aud, jwks_url: url, jwks_file: file, algorithms, types } = table;
  return {
    iss,
    aud: aud ?? appServerAudience,
    jwks: url === undefined ? { file: file ?? "" } : { url },
    algorithms: algorithms ?? ["RS256"],
    types,
    claims: claimsOf(table),
    subjects: table.subjects,
    accounts: table.accounts,
    roles: table.roles,
    remote: table.remote,
    refreshMs: table.refresh_seconds * 1000,
    maxStaleMs: table.max_stale_seconds * 1000,
  };
}

function checkKeysUrl(text: string, context: z.RefinementCtx): void {
  const wrong = (message: string): void => context.addIssue({ code: "custom", message });
  if (!URL.canParse(text)) return wrong("it is no URL");
  const { protocol, hostname, username, password, hash } = new URL(text);
  if (username !== "" || password !== "" || hash !== "")
    return wrong("it has a user, a password or a fragment");
  if (protocol === "https:" || (protocol === "http:" && isLoopbackName(hostname))) return;
  wrong("it must be https; http is for loopback alone");
}

function isLoopbackName(hostname: string): boolean {
  return (
    hostname === "localhost" ||
    hostname === "[::1]" ||
    (isIP(hostname) === 4 && hostname.startsWith("127."))
  );
}

function reportRepeated(names: readonly string[], member: string, context: z.RefinementCtx): void {
  for (const [index, name] of names.entries())
    if (names.indexOf(name) !== index)
      context.addIssue({ code: "custom", path: [index, member], message: "it stands twice" });
}

/** A table as a map; it may be absent, but not empty. */
function filled<T>(schema: z.ZodType<Record<string, T>>) {
  return schema
    .transform((table): ReadonlyMap<string, T> => new Map(Object.entries(table)))
    .refine((map) => map.size > 0, "it is empty")
    .default(new Map());
}

function seconds(least: number, most: number): z.ZodInt {
  const message = `it must be a whole number from ${least} to ${most}`;
  return z.int(message).min(least, message).max(most, message);
}

/** The one DER form of such a key (RFC 8410) begins with the same 12 bytes; 32 bytes follow. */
function ed25519Spki(): RegExp {
  return /^MCowBQYDK2VwAyEA[+/0-9A-Za-z]{42}[048AEIMQUYcgkosw]=$/;
}
