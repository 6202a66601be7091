import type { z } from "zod";
import type { Stability } from "../protocol/define.ts";
import type { Role } from "../protocol/principal.ts";
import type { Context } from "./context.ts";

/** A member of params that needs the experimental capability when it is present: neither null nor false. */
export type ExperimentalParam =
  | string
  | {
      readonly member: string;
      /** Where presence is something else. `value` is never undefined. */
      isPresent(value: unknown): boolean;
      /** What the refusal calls it, where that is not `METHOD.MEMBER`. */
      readonly called?: string;
    };

export const memberOf = (param: ExperimentalParam): string =>
  typeof param === "string" ? param : param.member;

/** One RPC method, whole: what it is called, what it takes and gives, how firm it is, who may call it, what it does. */
export interface Method<
  Name extends string = string,
  P extends z.ZodType = z.ZodType,
  R extends z.ZodType = z.ZodType,
> {
  readonly name: Name;
  readonly stability: Stability;
  /** The weakest role that may call it. */
  readonly role: Role;
  /** The setting of `[policy]` by which operators get it or lose it. */
  readonly grantedBy?: "commands" | "files";
  readonly params: P;
  readonly result: R;
  /**
   * What it touches, for an access of limited scope. Without it: the thread that `threadId` names, or else the whole
   * host, which such an access may not. `open`: nothing that is of one thread or folder; `list`: threads, of which the
   * answer's `data` keeps those in scope; `folder`: what its params name; `start`: a new thread in `cwd`.
   */
  readonly reach?: "open" | "list" | "folder" | "start";
  /** Refused on every connection but those of control.sock, whatever their role. */
  readonly localOnly?: true;
  /** In the order in which they are looked at: the first one that is present is named. */
  readonly experimentalParams?: readonly ExperimentalParam[];
  /** What it does is put into the audit log by whom it calls: the dispatcher adds a line for failures only. */
  readonly ownAudit?: true;
  /** An admin's method that works while the audit log cannot be written: it gives nobody anything. */
  readonly evenUnaudited?: true;
  /**
   * What a second request with the same `idempotencyKey` gets: the first one's `answer`; only the `word` that it was
   * carried out, where the answer is a secret; or it runs `again`, as what changes nothing does. Without it: `again` of
   * methods for viewers, `answer` of all others.
   */
  readonly retry?: "again" | "answer" | "word";
  /** Callable before `initialize`; only `initialize` itself is. */
  readonly beforeInitialize?: true;
  /** Requests whose keys are equal run one after another, in the order they came. No key: no waiting. */
  order?(params: z.output<P>): string;
  /** Returns or throws; what happens because of it and must reach clients after the answer goes through `context.afterAnswer`. */
  handle(context: Context, params: z.output<P>): Promise<z.input<R>> | z.input<R>;
}

export const method = <const Name extends string, P extends z.ZodType, R extends z.ZodType>(
  spec: Method<Name, P, R>,
): Method<Name, P, R> => spec;
