/** What waits for people, over all threads, as `approval/inbox` lists it. */
import type { Requests, ServerRequests } from "../../client/host-api.ts";
import { bareCommand } from "./bare-command.ts";

export type InboxEntry = Requests["approval/inbox"]["result"]["data"][number];

const runs = "item/commandExecution/requestApproval";

/** What is asked, in a line; the thread shows the whole of it. */
export function inboxSubject(entry: InboxEntry): string {
  if (isCommand(entry)) {
    const { command, commandActions } = entry.params;
    return bareCommand(command, commandActions);
  }
  if (entry.method === "item/fileChange/requestApproval") return "Change files";
  return entry.method === "item/permissions/requestApproval" ? "More permissions" : "A question";
}

/** The params are those of the method: both come from one server request. */
const isCommand = (
  entry: InboxEntry,
): entry is InboxEntry & { readonly params: ServerRequests[typeof runs]["params"] } =>
  entry.method === runs;
