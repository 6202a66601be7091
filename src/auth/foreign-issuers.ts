/** The issuers of farhelm.toml: their keys, and what role their tokens give here. */
import { resolve } from "node:path";
import type { IssuerSettings } from "../config/issuer-settings.ts";
import { agentIdentityIssuer } from "../protocol/agent-identity.ts";
import { keysFromFile, keysFromUrl, type LoadKeys } from "../crypto/jwks-load.ts";
import type { VerificationKey } from "../crypto/key-set.ts";
import { RefreshedKeys, type RefreshTimes } from "../crypto/refreshed-keys.ts";
import { claimAt, type TrustedIssuer, type VerifiedToken } from "../crypto/token-verifier.ts";
import { mayAct, type Role } from "../protocol/principal.ts";

interface ForeignIssuer {
  readonly settings: IssuerSettings;
  readonly keys: RefreshedKeys;
  readonly trusted: TrustedIssuer;
}

interface ForeignIssuersOptions {
  readonly farhelmHome: string;
  readonly nowMs: () => number;
  /** Keys were removed, or are too old to be trusted. */
  readonly onChange: () => void;
  readonly warn: (event: string, fields: Readonly<Record<string, string>>) => void;
}

/** An unknown `kid` makes us ask an issuer's server no more often than this. */
const maxCoolDownMs = 30_000;
/** A file of this machine costs nothing to read. */
const fileTimes = { refreshMs: 5_000, coolDownMs: 1_000 };

export class ForeignIssuers {
  readonly #issuers: ReadonlyMap<string, ForeignIssuer>;

  constructor(settings: readonly IssuerSettings[], options: ForeignIssuersOptions) {
    this.#issuers = new Map(settings.map((each) => [each.iss, foreignIssuer(each, options)]));
  }

  get trusted(): readonly TrustedIssuer[] {
    return [...this.#issuers.values()].map(({ trusted }) => trusted);
  }

  /** Whether tokens of this issuer are taken. */
  trusts(issuer: string): boolean {
    return this.#issuers.has(issuer);
  }

  settingsOf(token: VerifiedToken): IssuerSettings | undefined {
    return this.#issuers.get(token.issuer)?.settings;
  }

  /** Whether the key is still one of the issuer's. */
  holds(issuer: string, key: VerificationKey): boolean {
    return this.#issuers.get(issuer)?.keys.holds(key) ?? false;
  }

  close(): void {
    for (const { keys } of this.#issuers.values()) keys.close();
  }
}

/** What the claim that holds the account says; a list names every one of its texts. */
export function accountsOf({ claims }: IssuerSettings, token: VerifiedToken): readonly string[] {
  const account = claims.account === undefined ? undefined : claimAt(token.claims, claims.account);
  const values: readonly unknown[] = [account].flat();
  return values.filter((value) => typeof value === "string");
}

/** What the subject of a verified token may do here; undefined: nothing. */
export function roleOf(settings: IssuerSettings, token: VerifiedToken): Role | undefined {
  const { claims, subjects, accounts, roles } = settings;
  const account = claims.account === undefined ? undefined : claimAt(token.claims, claims.account);
  if (unseen.test(token.subject)) return undefined;
  if (settings.iss === agentIdentityIssuer && !isStockIdentity(token.subject, account))
    return undefined;
  const grant =
    subjects.get(token.subject) ??
    (typeof account === "string" ? accounts.get(account) : undefined);
  if (grant !== "claim") return grant;
  const values = claims.roles === undefined ? undefined : claimAt(token.claims, claims.roles);
  return strongest(
    [values].flat().map((value) => (typeof value === "string" ? roles.get(value) : undefined)),
  );
}

/** Control and direction characters: a subject stands in logs and lists. */
const unseen = /[\p{C}\p{Zl}\p{Zp}]/u;

/** The strings that such an identity signs are joined with `:`, so no part may hold one. */
const isStockIdentity = (subject: string, account: unknown): boolean =>
  typeof account === "string" && !subject.includes(":") && !account.includes(":");

function strongest(roles: readonly (Role | undefined)[]): Role | undefined {
  return roles.reduce<Role | undefined>(
    (best, role) =>
      role !== undefined && (best === undefined || mayAct(role, best)) ? role : best,
    undefined,
  );
}

function foreignIssuer(settings: IssuerSettings, options: ForeignIssuersOptions): ForeignIssuer {
  const { iss, aud, jwks, algorithms, claims } = settings;
  const { farhelmHome, nowMs, onChange, warn } = options;
  const keys = new RefreshedKeys({
    load: loaderOf(jwks, farhelmHome),
    ...times(settings),
    nowMs,
    onChange,
    onFailing: (why) =>
      warn(why === undefined ? "issuer_keys_again" : "issuer_keys_failing", {
        iss,
        ...(why === undefined ? {} : { why }),
      }),
  });
  const types = settings.types ?? ["JWT", undefined];
  const trusted = { issuer: iss, audience: aud, algorithms, types, subject: claims.subject, keys };
  return { settings, keys, trusted };
}

export const loaderOf = (jwks: IssuerSettings["jwks"], farhelmHome: string): LoadKeys =>
  "url" in jwks ? keysFromUrl(jwks.url) : keysFromFile(resolve(farhelmHome, jwks.file));

function times({ jwks, refreshMs, maxStaleMs }: IssuerSettings): RefreshTimes {
  if ("file" in jwks) return { ...fileTimes, maxStaleMs };
  return { refreshMs, maxStaleMs, coolDownMs: Math.min(maxCoolDownMs, refreshMs) };
}
