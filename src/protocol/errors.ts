/**
 * The error codes that cross the wire. The stock server answers nearly everything with
 * `invalidRequest`, unknown methods and unparseable params included, and clients rely on it.
 */
export const errorCodes = {
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internal: -32603,
  overloaded: -32001,
} as const;

export type ErrorName = keyof typeof errorCodes;

/** The name of a code that is one of ours; of any other the number. */
export const errorNameOf = (code: number): string =>
  Object.entries(errorCodes).find(([, known]) => known === code)?.[0] ?? String(code);

/** An error object as it stands in a response frame. */
export interface WireError {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

/** An error meant for the peer. Anything else that a handler throws becomes `internal error`; its text stays in the log. */
export class RpcError extends Error {
  override readonly name = "RpcError";
  readonly code: number;
  readonly data: unknown;
  /** For the audit log, where the caller may not have what it asked for; it does not cross the wire. */
  readonly denied: string | undefined;

  constructor(
    code: ErrorName,
    message: string,
    options: { data?: unknown; cause?: unknown; denied?: string } = {},
  ) {
    super(message, { cause: options.cause });
    this.code = errorCodes[code];
    this.data = options.data;
    this.denied = options.denied;
  }

  /** The same refusal in other words, as one of something that is not this caller's to have. */
  asDenied(denied: string, message: string): RpcError {
    const { data } = this;
    const name = this.code === errorCodes.methodNotFound ? "methodNotFound" : "invalidRequest";
    return new RpcError(name, message, { denied, ...(data === undefined ? {} : { data }) });
  }

  toWire(): WireError {
    const { code, message, data } = this;
    return data === undefined ? { code, message } : { code, message, data };
  }
}

/** The usual refusal: code -32600 with a sentence that says what is wrong. */
export const invalidRequest = (message: string, cause?: unknown): RpcError =>
  new RpcError("invalidRequest", message, { cause });

/** The usual refusal of something that is not this caller's to have. `code`: stable, for the audit log. */
export const deniedRequest = (code: string, message: string): RpcError =>
  new RpcError("invalidRequest", message, { denied: code });
