/** What a page says when it could not be given what it missed. */
import type { GapReason } from "../../protocol/stream.ts";

const because: Readonly<Record<GapReason, string>> = {
  restarted: "the host was restarted meanwhile",
  unknownEpoch: "the host had put this thread away meanwhile",
  retention: "the host does not keep events that long",
  ahead: "the host knows less than this page did",
  tooMuch: "too much happened at once",
  notLoaded: "the host had put this thread away meanwhile",
};

export const gapSentence = (reason: string): string => {
  const why = Object.entries(because).find(([known]) => known === reason)?.[1] ?? reason;
  return `Not every step that was missed here could be shown (${why}). This is the thread as it is now.`;
};
