/**
 * What each room of src may import besides itself, `protocol` and `util`. `x/port` names that one file, as
 * does `x/noun-port`; `any/port` every one of them; a room followed by `:types` may be imported with `import type` alone.
 */
export const layers: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  util: [],
  crypto: [],
  permissions: [],
  events: [],
  db: [],
  audit: ["crypto", "db"],
  config: ["permissions"],
  accounts: ["config", "crypto", "audit/port"],
  // rollouts spell the older policy beside a profile
  store: ["db", "permissions"],
  files: [],
  model: ["config", "accounts/port"],
  tools: ["config", "permissions", "events/port", "model/port"],
  extensions: ["config", "accounts/port"],
  threads: [
    "config",
    "permissions",
    "events",
    "audit/port",
    "auth/port",
    "store/port",
    "model/port",
    "tools/port",
    "extensions/port",
  ],
  auth: ["crypto", "config", "db", "audit/port"],
  dispatch: ["any/port"],
  features: ["dispatch/define", "dispatch/context", "permissions", "any/port"],
  session: [
    "dispatch",
    "events/port",
    "events/notification-frame",
    "events/text-stream",
    "auth/port",
    "audit/port",
    "threads/connections-port",
  ],
  transport: ["config", "session", "auth", "audit/port"],
  relay: [
    "crypto",
    "db",
    "client",
    "auth",
    "session/port",
    "transport/port",
    "events/port",
    "audit/port",
  ],
  client: ["features:types"],
  dashboard: ["client", "features:types"],
  cli: ["client", "config"],
  app: ["*"],
  main: ["*"],
};

/** Rooms that everyone may import and that import nothing. */
export const ground = ["protocol", "util"];

/** Packages with one home, or a few. */
export const homes: Readonly<Record<string, readonly string[]>> = {
  ws: ["transport"],
  fastify: ["transport"],
  "@fastify/helmet": ["transport"],
  "@fastify/static": ["transport"],
  jose: ["crypto"],
  "@noble/curves": ["crypto"],
  "@peculiar/x509": ["crypto"],
  libsql: ["db"],
  pg: ["store"],
  ioredis: ["relay"],
  "@lydell/node-pty": ["tools"],
  "web-tree-sitter": ["tools"],
  "tree-sitter-bash": ["tools"],
  "@modelcontextprotocol/sdk": ["tools"],
  "smol-toml": ["config"],
  "@decimalturn/toml-patch": ["config"],
  zod: ["protocol", "features", "config", "permissions"],
  commander: ["cli"],
  uqr: ["cli", "dashboard"],
  react: ["dashboard"],
  "react-dom": ["dashboard"],
};

/** Packages whose types may be named anywhere: declarations are generic over schemas. */
export const typesAnywhere = ["zod"];
