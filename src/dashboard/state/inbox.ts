/** What waits for people, over all threads, as `approval/inbox` lists it. */
import type { Requests } from "../../client/host-api.ts";
import { isRecord } from "../../util/is-record.ts";

export type InboxEntry = Requests["approval/inbox"]["result"]["data"][number];

/** What is asked, in a line; the thread shows the whole of it. */
export function inboxSubject({ method, params }: InboxEntry): string {
  if (method === "item/commandExecution/requestApproval" && isRecord(params)) {
    const { command } = params;
    if (typeof command === "string") return command;
  }
  return method === "item/fileChange/requestApproval" ? "Change files" : "A question";
}
