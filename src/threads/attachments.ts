import type { Publisher } from "../events/port.ts";
import { RpcError } from "../protocol/errors.ts";
import { ThreadAttachment } from "../protocol/attachment.ts";
import type { ThreadId } from "../protocol/ids.ts";
import { threadAttachmentUpdated } from "../protocol/thread-notifications.ts";
import type { FoundNote, NoteKind } from "../store/port.ts";
import { uuidV7 } from "../util/uuid-v7.ts";
import type { Announcing } from "./port.ts";
import type { AttachmentKey, Attachments } from "./side-state-port.ts";
import type { NoteRefusals, SideNotes } from "./side-notes.ts";

/** The stock server's limit. */
const maxAttachments = 100;

/** In the order in which they were added; found again by what they are. */
const attachmentsNote: NoteKind<readonly ThreadAttachment[]> = {
  name: "attachments",
  parse: (value) => ThreadAttachment.array().parse(value),
};

const unknown = (id: ThreadId): RpcError =>
  new RpcError("invalidParams", `thread not found: ${id}`);
const refusals: NoteRefusals = { ephemeral: unknown, unknown, asItIs: true };

const labelOf = ({ attachmentType, identityKey }: AttachmentKey): string =>
  JSON.stringify([attachmentType, identityKey]);

const draftOf = (attachments: readonly ThreadAttachment[]) =>
  attachments.length > 0
    ? { value: attachments, labels: attachments.map((each) => ({ label: labelOf(each) })) }
    : undefined;

/** What clients attached to threads. */
export class ThreadAttachments implements Attachments {
  readonly #notes: SideNotes;
  readonly #publisher: Publisher;

  constructor(notes: SideNotes, publisher: Publisher) {
    this.#notes = notes;
    this.#publisher = publisher;
  }

  async add(id: ThreadId, { payload, ...key }: AttachmentKey & { readonly payload: unknown }) {
    const made = { id: uuidV7(), ...key, payload, createdAt: Math.floor(Date.now() / 1000) };
    let attachment: ThreadAttachment = made;
    await this.#notes.change(id, attachmentsNote, refusals, (before = []) => {
      attachment = before.find((each) => labelOf(each) === labelOf(key)) ?? made;
      if (attachment !== made) return draftOf(before);
      if (before.length >= maxAttachments) {
        throw new RpcError(
          "invalidParams",
          `thread attachment identity count exceeds ${maxAttachments}`,
        );
      }
      return draftOf([...before, made]);
    });
    const isNew = attachment === made;
    return {
      attachment,
      isNew,
      announce: () => {
        if (isNew) this.#tell(id, made, "created");
      },
    };
  }

  async list(id: ThreadId): Promise<readonly ThreadAttachment[]> {
    return (await this.#notes.read(id, attachmentsNote)) ?? [];
  }

  async remove(id: ThreadId, key: AttachmentKey): Promise<Announcing> {
    let gone: ThreadAttachment | undefined;
    await this.#notes.change(id, attachmentsNote, refusals, (before = []) => {
      gone = before.find((each) => labelOf(each) === labelOf(key));
      return draftOf(before.filter((each) => each !== gone));
    });
    return {
      announce: () => {
        if (gone) this.#tell(id, gone, "deleted");
      },
    };
  }

  owners(key: AttachmentKey): Promise<readonly FoundNote<unknown>[]> {
    return this.#notes.find(attachmentsNote, labelOf(key));
  }

  /** A fork has what its source has. */
  async copy(from: ThreadId, to: ThreadId): Promise<void> {
    const all = await this.list(from);
    if (all.length === 0) return;
    const copies = all.map((each) => ({ ...each, id: uuidV7() }));
    await this.#notes.change(to, attachmentsNote, refusals, () => draftOf(copies));
  }

  #tell(
    threadId: ThreadId,
    { id, attachmentType, identityKey }: ThreadAttachment,
    operation: "created" | "deleted",
  ): void {
    this.#publisher.publish(threadAttachmentUpdated, {
      threadId,
      attachmentType,
      identityKey,
      attachmentId: id,
      operation,
    });
  }
}
