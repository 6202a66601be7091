/** The host's calls, notifications and questions as types. */
import type { notifications } from "../protocol/notifications.ts";
import type { serverRequests } from "../protocol/server-requests.ts";
import type { ApprovalPolicy, SandboxMode, SandboxPolicy } from "../protocol/settings.ts";
import type { Thread } from "../protocol/thread.ts";
import type { Turn } from "../protocol/turn.ts";

interface TextInput {
  readonly type: "text";
  readonly text: string;
}

interface ThreadSettings {
  readonly thread: Thread;
  readonly model: string;
  readonly modelProvider: string;
  readonly cwd: string;
  readonly approvalPolicy: ApprovalPolicy;
  readonly sandbox: SandboxPolicy;
  readonly reasoningEffort: string | null;
}

export interface Model {
  readonly id: string;
  readonly model: string;
  readonly displayName: string;
  readonly description: string;
  readonly hidden: boolean;
  readonly isDefault: boolean;
}

export interface DirectoryEntry {
  readonly fileName: string;
  readonly isDirectory: boolean;
  readonly isFile: boolean;
}

interface ThreadPage {
  readonly data: readonly Thread[];
  readonly nextCursor: string | null;
}

/** What a client may call: `Requests["thread/start"]["params"]`. */
export interface Requests {
  initialize: {
    params: {
      clientInfo: { name: string; title: string | null; version: string };
      capabilities: { experimentalApi: boolean; requestAttestation: boolean } | null;
    };
    result: { userAgent: string; codexHome: string; platformFamily: string; platformOs: string };
  };
  "thread/start": {
    params: {
      cwd?: string | null;
      model?: string | null;
      approvalPolicy?: ApprovalPolicy | null;
      sandbox?: SandboxMode | null;
    };
    result: ThreadSettings;
  };
  "thread/resume": { params: { threadId: string }; result: ThreadSettings };
  "thread/read": {
    params: { threadId: string; includeTurns?: boolean };
    result: { thread: Thread };
  };
  "thread/list": {
    params: {
      cursor?: string | null;
      limit?: number | null;
      sortKey?: "created_at" | "updated_at" | null;
      modelProviders?: string[] | null;
      archived?: boolean | null;
      searchTerm?: string | null;
    };
    result: ThreadPage;
  };
  "thread/loaded/list": { params: object; result: { data: readonly string[] } };
  "thread/name/set": { params: { threadId: string; name: string }; result: object };
  "thread/archive": { params: { threadId: string }; result: object };
  "thread/unarchive": { params: { threadId: string }; result: { thread: Thread } };
  "thread/unsubscribe": { params: { threadId: string }; result: object };
  "turn/start": {
    params: { threadId: string; input: TextInput[]; clientUserMessageId?: string | null };
    result: { turn: Turn };
  };
  "turn/steer": {
    params: {
      threadId: string;
      expectedTurnId: string;
      input: TextInput[];
      clientUserMessageId?: string | null;
    };
    result: { turnId: string };
  };
  "turn/interrupt": { params: { threadId: string; turnId: string }; result: object };
  "model/list": {
    params: { cursor?: string | null; limit?: number | null };
    result: { data: readonly Model[]; nextCursor: string | null };
  };
  "config/read": {
    params: { cwd?: string | null; includeLayers?: boolean };
    result: { config: { model: string | null; model_provider: string | null } };
  };
  "fs/readDirectory": {
    params: { path: string };
    result: { entries: readonly DirectoryEntry[] };
  };
}

type ByName<Specs extends readonly { readonly name: string }[]> = {
  [Spec in Specs[number] as Spec["name"]]: Spec;
};
type NotificationSpecs = ByName<typeof notifications>;
type ServerRequestSpecs = ByName<typeof serverRequests>;

/** What the server may push: `Notifications["turn/started"]`. */
export type Notifications = {
  [Name in keyof NotificationSpecs]: NotificationSpecs[Name]["params"]["_zod"]["output"];
};

/** What the server may ask, and what it wants back. */
export type ServerRequests = {
  [Name in keyof ServerRequestSpecs]: {
    params: ServerRequestSpecs[Name]["params"]["_zod"]["output"];
    result: ServerRequestSpecs[Name]["result"]["_zod"]["input"];
  };
};

/** Any notification, to be told apart by `method`. */
export type HostNotification = {
  [Name in keyof Notifications]: { readonly method: Name; readonly params: Notifications[Name] };
}[keyof Notifications];

/** Any question of the server, to be told apart by `method`. */
export type HostRequest = {
  [Name in keyof ServerRequests]: {
    readonly id: string | number;
    readonly method: Name;
    readonly params: ServerRequests[Name]["params"];
  };
}[keyof ServerRequests];
