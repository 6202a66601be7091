/** Where a provider's requests go and what their heads hold. */
import type { ProviderConfig } from "../../config/port.ts";
import { ModelError } from "../port.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** `base_url` + `/responses` with the configured query. Throws `ModelError` (`final`) for a base_url that is no HTTP address. */
export function responsesUrl(provider: ProviderConfig): URL {
  const address = `${provider.baseUrl}/responses`;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:"))
    throw new ModelError(
      "final",
      `base_url \`${provider.baseUrl}\` of model provider \`${provider.id}\` is not an http or https address. ` +
        `Set base_url under [model_providers.${provider.id}] in config.toml, for example "http://127.0.0.1:8000/v1".`,
      "other",
    );
  for (const [name, value] of Object.entries(provider.queryParams))
    url.searchParams.set(name, value);
  return url;
}

/** A URL as error texts show it: without credentials and query. */
export const shownUrl = (url: URL): string => `${url.origin}${url.pathname}`;

/** Configured headers, then those named by environment variables, then those that authorise the request. */
export function providerHeaders(
  provider: ProviderConfig,
  credentials: Readonly<Record<string, string>>,
  env: Environment,
): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(provider.httpHeaders))
    headers[name.toLowerCase()] = value;
  for (const [name, variable] of Object.entries(provider.envHttpHeaders)) {
    const value = env[variable]?.trim() ?? "";
    if (value !== "") headers[name.toLowerCase()] = value;
  }
  return { ...headers, ...credentials };
}
