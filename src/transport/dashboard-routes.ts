/** The built dashboard, or a page that says how to build it. */
import fastifyStatic from "@fastify/static";
import type { FastifyInstance } from "fastify";
import { existsSync } from "node:fs";
import { basename, join } from "node:path";

/** The path of pairing links. The page is the same; it tells by the path what it is for. */
const pairingPath = "/pair";
/** Vite puts a hash of the content before the extension: `index-Bx3k9_aQ.js`. */
const hashedName = /-[A-Za-z0-9_-]{8,}\.[a-z0-9]+$/;

export async function dashboardRoutes(
  app: FastifyInstance,
  dashboardDir: string | undefined,
): Promise<void> {
  if (dashboardDir === undefined || !existsSync(join(dashboardDir, "index.html"))) {
    for (const url of ["/", pairingPath]) {
      app.get(url, async (_request, reply) =>
        reply
          .code(503)
          .type("text/html; charset=utf-8")
          .header("cache-control", "no-store")
          .send(notBuilt),
      );
    }
    return;
  }
  await app.register(fastifyStatic, {
    root: dashboardDir,
    dotfiles: "ignore",
    cacheControl: false,
    index: "index.html",
    setHeaders: (reply, path) => void reply.header("cache-control", cachingOf(path)),
  });
  app.get(pairingPath, async (_request, reply) => reply.sendFile("index.html"));
}

function cachingOf(path: string): string {
  if (hashedName.test(basename(path))) return "public, max-age=31536000, immutable";
  return path.endsWith(".html") ? "no-store" : "no-cache";
}

const notBuilt = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Farhelm</title>
<h1>The dashboard is not built</h1>
<p>Run <code>npm run build</code> in Farhelm's folder and start the host again, or start it with <code>npm start</code>, which builds what is missing.</p>
<p>The host itself runs: terminal clients can connect.</p>
</html>
`;
