import { z } from "zod";

/** A thread's id: a UUID (version 7 when made here). */
export const ThreadId = z.string().brand("ThreadId");
export type ThreadId = z.infer<typeof ThreadId>;

/** A turn's id: a UUIDv7. */
export const TurnId = z.string().brand("TurnId");
export type TurnId = z.infer<typeof TurnId>;

/** An item's id: made by the model endpoint (`msg_…`, `call_…`) or a UUIDv7 made here. */
export const ItemId = z.string().brand("ItemId");
export type ItemId = z.infer<typeof ItemId>;

/** A request id: echoed with the type in which it came. */
export const RequestId = z.union([z.string(), z.int()]);
export type RequestId = z.infer<typeof RequestId>;
