/** The host's calls, notifications and questions as types, and unions of them to tell apart by method. */
import type { ApprovalGains } from "../protocol/approval-gains.ts";
import type { Notifications, Requests, ServerRequests } from "../features/index.ts";

export type { Notifications, Requests, ServerRequests };

/** Any notification. */
export type HostNotification = {
  [Name in keyof Notifications]: { readonly method: Name; readonly params: Notifications[Name] };
}[keyof Notifications];

/** Any question of the server. */
export type HostRequest = {
  [Name in keyof ServerRequests]: {
    readonly id: string | number;
    readonly method: Name;
    readonly params: ServerRequests[Name]["params"];
    /** What a yes would allow that is not allowed now; absent for tools, and where the host says nothing of it. */
    readonly gains?: ApprovalGains;
  };
}[keyof ServerRequests];

export type Model = Requests["model/list"]["result"]["data"][number];
