/** A real OIDC issuer on loopback: discovery, keys and a token endpoint, by the `oidc-provider` package. */
import { once } from "node:events";
import { createServer } from "node:http";
import { Provider } from "oidc-provider";
import { z } from "zod";
import type { IssuerKey } from "./foreign-issuer.ts";

const Discovery = z.looseObject({
  issuer: z.string(),
  jwks_uri: z.string(),
  token_endpoint: z.string(),
});
const Granted = z.looseObject({ access_token: z.string() });

const client = { id: "laptop", secret: "of-no-use-beyond-this-test-0123456789" };

export interface OidcOptions {
  /** Of the access tokens; the subject is the client, `laptop`. */
  readonly audience: string;
  readonly claims?: object;
  readonly ttlSeconds?: number;
}

const issuers = new Set<OidcIssuer>();

export class OidcIssuer {
  readonly #server = createServer();
  readonly #options: OidcOptions;

  private constructor(options: OidcOptions) {
    this.#options = options;
  }

  /** The first key signs, all are published. */
  static async start(options: OidcOptions, keys: readonly IssuerKey[]): Promise<OidcIssuer> {
    const issuer = new OidcIssuer(options);
    issuer.#server.listen(0, "127.0.0.1");
    await once(issuer.#server, "listening");
    issuers.add(issuer);
    issuer.use(keys);
    return issuer;
  }

  get url(): string {
    const bound = this.#server.address();
    if (bound === null || typeof bound === "string") throw new Error("the issuer does not listen");
    return `http://127.0.0.1:${bound.port}`;
  }

  /** From now on it signs with the first of these and publishes these alone. */
  use(keys: readonly IssuerKey[]): void {
    const { audience, claims = {}, ttlSeconds = 600 } = this.#options;
    const [{ algorithm } = { algorithm: "RS256" }] = keys;
    const provider = new Provider(this.url, {
      jwks: { keys: keys.map(privateJwk) },
      clients: [
        {
          client_id: client.id,
          client_secret: client.secret,
          grant_types: ["client_credentials"],
          redirect_uris: [],
          response_types: [],
          id_token_signed_response_alg: algorithm,
        },
      ],
      enabledJWA: { idTokenSigningAlgValues: ["RS256", "ES256", "EdDSA"] },
      extraTokenClaims: () => claims,
      ttl: { ClientCredentials: ttlSeconds },
      features: {
        devInteractions: { enabled: false },
        clientCredentials: { enabled: true },
        resourceIndicators: {
          enabled: true,
          defaultResource: () => "urn:farhelm",
          getResourceServerInfo: () => ({
            scope: "farhelm",
            audience,
            accessTokenFormat: "jwt",
            accessTokenTTL: ttlSeconds,
            jwt: { sign: { alg: algorithm } },
          }),
        },
      },
    });
    this.#server.removeAllListeners("request");
    this.#server.on("request", provider.callback());
  }

  /** What a client finds at `/.well-known/openid-configuration`. */
  async discover(): Promise<z.output<typeof Discovery>> {
    const answer = await fetch(`${this.url}/.well-known/openid-configuration`);
    return Discovery.parse(await answer.json());
  }

  /** A JWT access token, as the client gets it. */
  async token(): Promise<string> {
    const { token_endpoint: endpoint } = await this.discover();
    const basic = Buffer.from(`${client.id}:${client.secret}`).toString("base64");
    const answer = await fetch(endpoint, {
      method: "POST",
      headers: { authorization: `Basic ${basic}` },
      body: new URLSearchParams({ grant_type: "client_credentials", scope: "farhelm" }),
    });
    return Granted.parse(await answer.json()).access_token;
  }

  async stop(): Promise<void> {
    issuers.delete(this);
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

/** For `afterEach`. */
export async function stopOidcIssuers(): Promise<void> {
  for (const issuer of issuers) await issuer.stop();
}

const privateJwk = ({ kid, algorithm, privateKey }: IssuerKey): object => ({
  ...privateKey.export({ format: "jwk" }),
  kid,
  alg: algorithm,
  use: "sig",
});
