import { RpcError, invalidRequest } from "../protocol/errors.ts";
import { StoreError } from "../store/port.ts";
import { unreachable } from "../util/unreachable.ts";

/** What a failure of the store is to a client; anything else passes as it is. */
export function clientError(error: unknown, notFound: string): unknown {
  if (!(error instanceof StoreError)) return error;
  switch (error.kind) {
    case "notFound":
      return invalidRequest(notFound, error);
    case "busy":
    case "badCursor":
    case "badPath":
      return invalidRequest(error.message, error);
    case "diskFull":
    case "readOnly":
    case "corrupt":
    case "io":
      return new RpcError("internal", error.message, { cause: error });
    default:
      return unreachable(error.kind);
  }
}
