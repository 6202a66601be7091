import type { z } from "zod";
import type { Role } from "./principal.ts";

/** How firm a part of the wire is. `experimental` needs `capabilities.experimentalApi`. */
export type Stability = "stable" | "experimental" | "deprecated";

/**
 * Who gets a notification. `thread`: the subscribers of the thread that it names; `all`: every
 * initialised connection; `one`: a single connection.
 */
export type Audience = "thread" | "all" | "one";

/** A message that the server pushes and expects no answer to. */
export interface NotificationSpec<
  Name extends string = string,
  P extends z.ZodType = z.ZodType,
  A extends Audience = Audience,
> {
  readonly name: Name;
  readonly stability: Stability;
  readonly audience: A;
  /** The weakest role that gets it; without one all do. */
  readonly role?: Role;
  readonly params: P;
}

/** A question that the server puts to its peers, for example an approval. */
export interface ServerRequestSpec<
  Name extends string = string,
  P extends z.ZodType = z.ZodType,
  R extends z.ZodType = z.ZodType,
> {
  readonly name: Name;
  readonly stability: Stability;
  /** The weakest role that may answer it; weaker ones are not asked. */
  readonly role: Role;
  readonly params: P;
  readonly result: R;
}

export const notification = <
  const Name extends string,
  P extends z.ZodType,
  const A extends Audience,
>(
  spec: NotificationSpec<Name, P, A>,
): NotificationSpec<Name, P, A> => spec;

export const serverRequest = <const Name extends string, P extends z.ZodType, R extends z.ZodType>(
  spec: ServerRequestSpec<Name, P, R>,
): ServerRequestSpec<Name, P, R> => spec;
