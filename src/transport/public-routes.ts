/** What is answered to anyone who passed the door: health, the public keys, the authority's certificate. */
import type { FastifyInstance } from "fastify";
import type { AuthApi } from "../auth/port.ts";
import { socketPath } from "../protocol/auth-api.ts";
import type { TransportOptions } from "./options.ts";
import { refusalBody } from "./refusal.ts";

interface PublicRoutesOptions {
  readonly authApi: AuthApi;
  readonly transport: TransportOptions;
}

export function publicRoutes(app: FastifyInstance, options: PublicRoutesOptions): void {
  const { authApi, transport } = options;
  for (const url of ["/healthz", "/readyz"]) health(app, url);

  app.get("/.well-known/jwks.json", async (_request, reply) => {
    reply.header("cache-control", "public, max-age=300");
    return authApi.jwks();
  });

  if (transport.caPem !== undefined) {
    app.get("/ca.crt", async (_request, reply) =>
      reply
        .type("application/x-x509-ca-cert")
        .header("cache-control", "no-store")
        .send(transport.caPem),
    );
  }

  app.get(socketPath, async (_request, reply) =>
    reply
      .code(426)
      .headers({ upgrade: "websocket", connection: "upgrade" })
      .send(
        refusalBody({
          status: 426,
          code: "upgrade_required",
          message: "A WebSocket is opened here.",
          nextStep: "Connect with a WebSocket client, or open the dashboard at `/`.",
        }),
      ),
  );
}

/** 200 and nothing else, as the stock server answers; other methods get 405. */
function health(app: FastifyInstance, url: string): void {
  app.get(url, async (_request, reply) => reply.header("cache-control", "no-store").send(""));
  app.route({
    method: ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
    url,
    onRequest: async (_request, reply) =>
      reply
        .code(405)
        .header("allow", "GET, HEAD")
        .send(
          refusalBody({
            status: 405,
            code: "method_not_allowed",
            message: "This address is only read.",
            nextStep: "Use GET or HEAD.",
          }),
        ),
    handler: async () => "",
  });
}
