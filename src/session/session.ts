import type { Dispatcher } from "../dispatch/dispatcher.ts";
import type { CallerSession, Owed } from "../dispatch/context.ts";
import type { z } from "zod";
import { bytesFrame, notificationFrame } from "../events/notification-frame.ts";
import type { StreamPosition, Subscriptions } from "../events/port.ts";
import type { NotificationSpec } from "../protocol/define.ts";
import { closeCodes } from "../protocol/close-codes.ts";
import { errorCodes } from "../protocol/errors.ts";
import type { AnswerFrame, ResponseFrame } from "../protocol/frames.ts";
import { readFrame } from "../protocol/frames.ts";
import type { RequestId, ThreadId } from "../protocol/ids.ts";
import { accessEnding, heartbeat } from "../protocol/connection-notifications.ts";
import { approvalRefused } from "../protocol/request-notifications.ts";
import { warning } from "../protocol/thread-notifications.ts";
import { turnErrored } from "../protocol/turn-notifications.ts";
import type { Principal } from "../protocol/principal.ts";
import type { Since, ThreadPlace, ThreadStream } from "../protocol/stream.ts";
import type { AnswerOutcome, WaitingRequest, WatchedThreads } from "../threads/connections-port.ts";
import { jsonPieces } from "../util/spliced-json.ts";
import { textFrameOf } from "../util/text-frame.ts";
import { Comeback } from "./comeback.ts";
import type { ConnectionState } from "./connection-state.ts";
import { nextConnectionState } from "./connection-state.ts";
import { Misdeeds } from "./misdeeds.ts";
import { noticeEnd } from "./ending-notice.ts";
import type { Heartbeats } from "./heartbeats.ts";
import type { Outbox } from "./outbox.ts";
import type { FrameSocket, SessionEnd } from "./port.ts";

/** So many frames in a minute that are not JSON-RPC end the connection. */
const maxMalformed = 20;
/** So many answers in a minute that lack a signature or hold a wrong one end it too: each costs a check and an audit line. */
const maxRefusedAnswers = 20;
/** So many requests of one connection may wait for their answers. */
const maxInFlight = 1024;

type RefusedAnswer = Extract<AnswerOutcome, { readonly kind: "refused" }>;

export interface SessionPorts {
  readonly dispatcher: Dispatcher;
  readonly hub: Subscriptions;
  readonly threads: WatchedThreads;
  readonly heartbeats: Heartbeats;
  onClosed(session: Session, code: number): void;
}

/** One connection: what comes in goes to the dispatcher, what goes out leaves through its outbox. */
export class Session implements SessionEnd, CallerSession {
  readonly principal: Principal;
  readonly #ports: SessionPorts;
  readonly #socket: FrameSocket;
  readonly #outbox: Outbox;
  #state: ConnectionState = { kind: "open" };
  readonly #malformed = new Misdeeds(maxMalformed);
  #refusedAnswers: Misdeeds | undefined;
  #inFlight = 0;
  #closeListeners: Set<() => void> | undefined;

  constructor(ports: SessionPorts, principal: Principal, socket: FrameSocket, outbox: Outbox) {
    this.#ports = ports;
    this.principal = principal;
    this.#socket = socket;
    this.#outbox = outbox;
  }

  /** Made where it is needed: an idle connection carries none. */
  get #comeback(): Comeback {
    return new Comeback(this.#ports, this.#outbox);
  }

  get initialized(): boolean {
    return this.#state.kind === "initialized";
  }

  get experimental(): boolean {
    return this.#state.kind === "initialized" && this.#state.client.experimental;
  }

  get clientName(): string {
    return this.#state.kind === "initialized" ? this.#state.client.name : "";
  }

  get countsEvents(): boolean {
    return this.#state.kind === "initialized" && this.#state.client.countsEvents;
  }

  initialize(client: {
    readonly name: string;
    readonly version: string;
    readonly experimental: boolean;
    readonly optOut: readonly string[];
    readonly heartbeat: boolean;
    readonly countsEvents: boolean;
  }): void {
    const { name, version, experimental, countsEvents } = client;
    const optOut = new Set(client.optOut);
    const next = nextConnectionState(this.#state, {
      kind: "initialize",
      client: { name, version, experimental, optOut, countsEvents },
    });
    if (!next) return;
    this.#state = next;
    this.#outbox.optOut(optOut);
    this.#ports.hub.join(this.#outbox);
    if (client.heartbeat)
      this.onClosed(this.#ports.heartbeats.begin((beat) => this.tell(heartbeat, beat)));
    this.onClosed(noticeEnd(this.principal.ends, (ending) => this.tell(accessEnding, ending)));
  }

  streamFrom(
    threadId: ThreadId,
    at: StreamPosition,
    since: Since | null | undefined,
  ): ThreadStream {
    return this.#comeback.streamFrom(threadId, at, since ?? undefined);
  }

  streamsFrom(places: readonly ThreadPlace[]): readonly ThreadStream[] {
    return this.#comeback.streamsFrom(places);
  }

  follow(
    threadId: ThreadId,
    stream: ThreadStream,
    since: Since | null | undefined,
    owed: Owed = "all",
  ): void {
    if (this.#state.kind === "closed") return;
    if (this.#comeback.follow(threadId, stream, since ?? undefined, owed)) return;
    this.end("tryAgainLater", "events came faster than they are kept; reconnect and resume");
  }

  unsubscribe(threadId: ThreadId): boolean {
    const was = this.#ports.hub.unsubscribe(threadId, this.#outbox);
    this.#outbox.forget(threadId);
    return was;
  }

  inbox(): readonly WaitingRequest[] {
    const rows = this.#ports.threads.requests.inbox().filter(({ role, threadId }) => {
      return this.#outbox.mayAnswer(role) && this.#outbox.sees?.(threadId) !== false;
    });
    this.#outbox.inboxShown(rows.map(({ requestId }) => requestId));
    return rows;
  }

  tell<P extends z.ZodType>(spec: NotificationSpec<string, P, "one">, params: z.input<P>): void {
    this.#push(spec, params);
  }

  #push<P extends z.ZodType>(spec: NotificationSpec<string, P>, params: z.input<P>): void {
    if (this.#state.kind !== "initialized" || !this.#outbox.wants(spec.name)) return;
    this.#outbox.send(notificationFrame(spec.name, params, Date.now()));
  }

  tellBytes(
    spec: NotificationSpec<string, z.ZodType, "one">,
    head: string,
    bytes: Buffer,
    tail: string,
  ): Promise<void> | undefined {
    if (this.#state.kind !== "initialized" || !this.#outbox.wants(spec.name)) return undefined;
    this.#outbox.send(bytesFrame(spec.name, { head, bytes, tail }, Date.now()));
    return this.#outbox.whenRoom();
  }

  onClosed(listener: () => void): () => void {
    if (this.#state.kind === "closed") listener();
    const listeners = (this.#closeListeners ??= new Set());
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  received(text: string): void {
    if (this.#state.kind === "closed") return;
    const inbound = readFrame(text);
    switch (inbound.kind) {
      case "request":
        if (this.#inFlight >= maxInFlight) this.#respond(overloaded(inbound.frame.id));
        else {
          this.#inFlight += 1;
          this.#ports.dispatcher.answer(this, inbound.frame, this.#answered);
        }
        return;
      case "answer":
        this.#takeAnswer(inbound.frame);
        return;
      case "notification":
        return;
      case "malformed":
        this.receivedGarbage();
    }
  }

  receivedGarbage(): void {
    if (this.#malformed.note(Date.now())) {
      this.end("policyViolation", `${maxMalformed} frames in a minute that are not JSON-RPC`);
    }
  }

  drained(): void {
    this.#outbox.drained(Date.now());
  }

  closed(code: number): void {
    const next = nextConnectionState(this.#state, { kind: "close" });
    if (!next) return;
    this.#state = next;
    this.#ports.hub.leave(this.#outbox);
    this.#outbox.release();
    for (const listener of this.#closeListeners ?? []) listener();
    this.#closeListeners = undefined;
    this.#ports.onClosed(this, code);
  }

  end(reason: Parameters<FrameSocket["close"]>[0], message: string): void {
    this.#ports.hub.deliver();
    this.#outbox.flush();
    this.#socket.close(reason, message);
    this.closed(closeCodes[reason]);
  }

  readonly #answered = (response: ResponseFrame): void => {
    this.#respond(response);
    this.#inFlight -= 1;
  };

  #respond(response: ResponseFrame): void {
    if (this.#state.kind !== "closed") this.#outbox.answer(...textFrameOf(jsonPieces(response)));
  }

  /** Only a connection that was asked may answer; anything else is ignored, as a late answer is. */
  #takeAnswer(frame: AnswerFrame): void {
    if (!this.#outbox.wasAsked(frame.id)) {
      this.#ports.threads.requests.refuseAnswer(frame.id, this.principal);
      return;
    }
    const outcome = this.#ports.threads.requests.answer(
      frame.id,
      "error" in frame ? { error: frame.error } : { result: frame.result },
      this.principal,
    );
    if (outcome.kind === "refused") this.#tellRefused(frame.id, outcome);
    else this.#outbox.resolved(frame.id);
  }

  /** The question stays open for this connection as for the others. */
  #tellRefused(requestId: RequestId, refused: RefusedAnswer): void {
    const { threadId, turnId, code, message, nextStep, again, inWords } = refused;
    this.tell(approvalRefused, { threadId, requestId, code, message, nextStep });
    if (inWords) {
      this.#push(warning, { threadId, message: `${message} ${nextStep}` });
      // the stock terminal client counts warnings in a corner and shows this where it shows its work
      const unset = { codexErrorInfo: null, misalignment: null };
      const error = { message, additionalDetails: nextStep, ...unset };
      this.#push(turnErrored, { threadId, turnId, error, willRetry: true });
    }
    if (again !== undefined) this.#outbox.send(again);
    this.#refusedAnswers ??= new Misdeeds(maxRefusedAnswers);
    if (this.#refusedAnswers.note(Date.now())) {
      this.end("policyViolation", `${maxRefusedAnswers} answers in a minute that did not count`);
    }
  }
}

const overloaded = (id: ResponseFrame["id"]): ResponseFrame => ({
  id,
  error: {
    code: errorCodes.overloaded,
    message: `Server overloaded: ${maxInFlight} requests of this connection wait for their answers; retry when some have come.`,
  },
});
