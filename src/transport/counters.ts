/** What transport counts instead of logging. */
export interface Counters {
  /** WebSockets that are open now. */
  open: number;
  /** WebSockets that were ever opened. */
  opened: number;
  /** Requests and upgrades that were refused at the door. */
  refused: number;
  /** Text messages that came in. */
  messagesIn: number;
  /** Bytes handed to sockets. */
  bytesOut: number;
  /** Connections that missed their pongs. */
  lost: number;
}

export const newCounters = (): Counters => ({
  open: 0,
  opened: 0,
  refused: 0,
  messagesIn: 0,
  bytesOut: 0,
  lost: 0,
});
