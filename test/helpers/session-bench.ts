import { z } from "zod";
import type { Method } from "../../src/dispatch/define.ts";
import { method } from "../../src/dispatch/define.ts";
import { Dispatcher } from "../../src/dispatch/dispatcher.ts";
import { EventHub } from "../../src/events/event-hub.ts";
import { defaultRetention } from "../../src/events/thread-logs.ts";
import { initialize } from "../../src/features/initialize.ts";
import { ThreadId } from "../../src/protocol/ids.ts";
import type { Principal, Role } from "../../src/protocol/principal.ts";
import { Since } from "../../src/protocol/stream.ts";
import { SessionRegistry } from "../../src/session/sessions.ts";
import type { AnswerOutcome, CatchUpFrame } from "../../src/threads/connections-port.ts";
import { MemoryCallLedger } from "../../src/store/memory-call-ledger.ts";
import { MemoryAudit } from "./memory-audit.ts";
import { fixedAccounts } from "./fixed-accounts.ts";
import { MemorySocket, tick } from "./memory-socket.ts";
import { portsWith } from "./no-ports.ts";

const fields = { stability: "stable", role: "viewer", result: z.unknown() } as const;
const ofThread = z.looseObject({ threadId: ThreadId, since: Since.optional() });
const budget = { softBytes: 1_000, hardBytes: 4_000, answerBytes: 4_000 };

const subscribing = (hub: EventHub) =>
  method({
    ...fields,
    name: "subscribe",
    params: ofThread,
    handle: ({ session, afterAnswer }, { threadId, since }) => {
      const stream = session.streamFrom(threadId, hub.position(threadId), since);
      afterAnswer(() => session.follow(threadId, stream, since));
      return stream;
    },
  });
const unsubscribe = method({
  ...fields,
  name: "unsubscribe",
  params: ofThread,
  handle: ({ session }, { threadId }) => session.unsubscribe(threadId),
});

/** Sessions over a hub; what clients answer to server requests is kept. */
export function sessionBench(methods: readonly Method[] = [], retention = defaultRetention) {
  const hub = new EventHub(retention);
  const audit = new MemoryAudit();
  const answers: unknown[] = [];
  const owed: CatchUpFrame[] = [];
  const loaded = new Set<ThreadId>();
  /** What the threads say of every answer. */
  const ruling: { outcome: AnswerOutcome } = { outcome: { kind: "taken" } };
  const threads = Object.assign(Object.create(null), {
    catchUp: () => owed,
    cwdOf: () => undefined,
    isLoaded: (threadId: ThreadId) => loaded.has(threadId),
    requests: {
      answer: (id: unknown, outcome: object) => {
        answers.push([id, outcome]);
        return ruling.outcome;
      },
      refuseAnswer: () => {},
    },
  });
  const dispatcher = new Dispatcher([initialize, subscribing(hub), unsubscribe, ...methods], {
    ports: portsWith({
      threads,
      config: Object.assign(Object.create(null), { read: () => ({}) }),
      accounts: fixedAccounts(),
    }),
    audit,
    ledger: new MemoryCallLedger(),
    holds: () => true,
    log: { error: () => {} },
    checkResults: false,
  });
  const sessions = new SessionRegistry({
    dispatcher,
    hub,
    threads,
    budget,
    audit,
    heartbeatMs: 20_000,
  });
  const open = (facts: Partial<Principal> & { readonly role?: Role } = {}) => {
    const socket = new MemorySocket();
    const principal: Principal = {
      kind: "device",
      id: "d",
      name: "D",
      role: "admin",
      address: "127.0.0.1",
      ...facts,
    };
    const session = sessions.open(principal, socket);
    const call = (name: string, params: object = {}, id: string | number = name): void =>
      session.received(JSON.stringify({ id, method: name, params }));
    return { socket, session, call };
  };
  /** A connection that is initialised and watches the threads; what it was sent until then is left out. */
  const watcher = async (
    watched: readonly ThreadId[],
    { optOut = [], ...facts }: Partial<Principal> & { readonly optOut?: readonly string[] } = {},
  ) => {
    const connection = open(facts);
    connection.call("initialize", {
      clientInfo: { name: "t", version: "1" },
      capabilities: { experimentalApi: true, optOutNotificationMethods: optOut },
    });
    for (const threadId of watched) connection.call("subscribe", { threadId });
    await tick();
    connection.socket.writes.length = 0;
    return connection;
  };
  return { hub, audit, sessions, answers, owed, loaded, ruling, open, watcher };
}
