/** Messages on their way. One stays visible until the host shows it in the conversation or it is clear that it never arrived. */
import type { UserMessageItem } from "../../protocol/item.ts";
import type { TurnView } from "./host-view.ts";

export interface PendingSend {
  /** Given with the call and echoed in the conversation. */
  readonly clientId: string;
  readonly text: string;
  /** `unknown`: the connection was lost before the answer. */
  readonly state: "sending" | "unknown" | "failed";
  readonly error: string | null;
}

export const notDelivered = "The connection was lost before this arrived.";

export const withoutDelivered = (
  pending: readonly PendingSend[],
  item: UserMessageItem,
): readonly PendingSend[] =>
  pending.some(({ clientId }) => clientId === item.clientId)
    ? pending.filter(({ clientId }) => clientId !== item.clientId)
    : pending;

/** A fresh history settles every doubt: what it shows arrived, what it does not show did not. */
export function settleSends(
  pending: readonly PendingSend[],
  turns: readonly TurnView[],
): readonly PendingSend[] {
  const last = turns.slice(-2).flatMap(({ items }) => items.map(({ item }) => item));
  const messages = last.filter((item) => item.type === "userMessage");
  const arrived = ({ clientId, text }: PendingSend): boolean =>
    messages.some((message) =>
      message.clientId === null ? textOf(message) === text : message.clientId === clientId,
    );
  return pending
    .filter((send) => !arrived(send))
    .map((send) =>
      send.state === "unknown" ? { ...send, state: "failed", error: notDelivered } : send,
    );
}

export const textOf = ({ content }: UserMessageItem): string =>
  content.map((part) => (part.type === "text" ? part.text : "")).join("");
