import type { Publisher } from "../events/port.ts";
import { RpcError, invalidRequest } from "../protocol/errors.ts";
import type { ThreadId } from "../protocol/ids.ts";
import { threadSectionChanged } from "../protocol/thread-notifications.ts";
import { SectionPlace, ThreadSection } from "../protocol/section.ts";
import type { Thread } from "../protocol/thread.ts";
import type { NoteKind } from "../store/port.ts";
import { uuidV7 } from "../util/uuid-v7.ts";
import type { Announcing } from "./port.ts";
import type { SectionChange, Sections } from "./side-state-port.ts";
import type { NoteRefusals, SideNotes } from "./side-notes.ts";
import { unsupported } from "./side-notes.ts";

/** Of every stock client: it is there from the beginning, under this id and name. */
const pinned: ThreadSection = {
  id: "01984de2-8f74-7c91-a3b2-5c5e937cf318",
  name: "Pinned",
  appearance: null,
};

/** More than anybody keeps in view; a client that loops is stopped here. */
const maxSections = 1_000;

/** Room between two neighbours for twenty threads that are put between, one after another. */
const gap = 1_000_000;

/** All but the pinned one, by id: the order in which they were made. */
const sectionsNote: NoteKind<readonly ThreadSection[]> = {
  name: "sections",
  parse: (value) => ThreadSection.array().parse(value),
};

/** The name under which a thread's place is kept. */
export const sectionNote: NoteKind<SectionPlace> = {
  name: "section",
  parse: (value) => SectionPlace.parse(value),
};

const refusals: NoteRefusals = {
  ephemeral: unsupported("section moves"),
  unknown: (id) => invalidRequest(`thread not found: ${id}`),
};

const wrongParam = (message: string): RpcError => new RpcError("invalidParams", message);

/** The sections of the list, and which thread stands where in them. */
export class ThreadSections implements Sections {
  readonly #notes: SideNotes;
  readonly #publisher: Publisher;
  /** Moves look at several notes: they follow one another. */
  #moving: Promise<unknown> = Promise.resolve();

  constructor(notes: SideNotes, publisher: Publisher) {
    this.#notes = notes;
    this.#publisher = publisher;
  }

  async list({ after, limit }: { readonly after: string; readonly limit: number }) {
    const rest = (await this.#all()).filter(({ id }) => id > after);
    const data = rest.slice(0, limit);
    return { data, nextCursor: rest.length > limit ? (data.at(-1)?.id ?? null) : null };
  }

  async create({ name, appearance = null }: SectionChange): Promise<ThreadSection> {
    const section = { id: uuidV7(), name, appearance };
    await this.#notes.changeShared(sectionsNote, (made = []) => {
      if (made.length >= maxSections) {
        throw wrongParam(`there are ${maxSections} sections already; delete some`);
      }
      return [...made, section];
    });
    return section;
  }

  async update(id: string, change: SectionChange): Promise<ThreadSection> {
    if (id === pinned.id) throw wrongParam("the built-in pinned section cannot be renamed");
    let updated: ThreadSection | undefined;
    await this.#notes.changeShared(sectionsNote, (made = []) => {
      const before = found(made, id);
      const { name, appearance = before.appearance } = change;
      const after = { id, name, appearance };
      updated = after;
      return made.map((each) => (each === before ? after : each));
    });
    return updated ?? found([], id);
  }

  async delete(id: string): Promise<void> {
    if (id === pinned.id) throw wrongParam("the built-in pinned section cannot be deleted");
    await this.#alone(async () => {
      found(await this.#all(), id);
      for (const { threadId } of await this.#notes.find(sectionNote, id)) {
        await this.#notes.change(threadId, sectionNote, refusals, () => undefined);
      }
      await this.#notes.changeShared(sectionsNote, (made = []) =>
        made.filter((section) => section.id !== id),
      );
    });
  }

  move(id: ThreadId, sectionId: string | null, before: ThreadId | undefined): Promise<Announcing> {
    return this.#alone(async () => {
      if (sectionId === null) {
        if (before) throw invalidRequest("beforeThreadId requires a non-null sectionId");
        await this.#notes.change(id, sectionNote, refusals, () => undefined);
      } else {
        await this.#enter(id, sectionId, before);
      }
      return {
        announce: () => this.#publisher.publish(threadSectionChanged, { threadId: id, sectionId }),
      };
    });
  }

  /** The threads with the sections in which they stand. */
  async placed<T extends Thread>(threads: readonly T[]): Promise<T[]> {
    const places = await this.#notes.readAll(
      threads.map(({ id }) => id),
      sectionNote,
    );
    if (places.size === 0) return [...threads];
    const byId = new Map((await this.#all()).map((section) => [section.id, section]));
    return threads.map((thread) => {
      const place = places.get(thread.id);
      const section = place && byId.get(place.sectionId);
      if (!section) return thread;
      return { ...thread, section, sectionEnteredAt: Math.floor(place.enteredAtMs / 1000) };
    });
  }

  async #enter(id: ThreadId, sectionId: string, before: ThreadId | undefined): Promise<void> {
    await this.#notes.check(id, refusals);
    if (before === id) throw invalidRequest(`thread ${id} cannot be moved before itself`);
    if (!(await this.#all()).some((section) => section.id === sectionId)) {
      throw invalidRequest(`section ${sectionId} does not exist`);
    }
    let position = placeAmong(await this.#neighbours(id, sectionId), before, sectionId);
    if (position === undefined) {
      await this.#spread(await this.#neighbours(id, sectionId));
      position = placeAmong(await this.#neighbours(id, sectionId), before, sectionId);
    }
    await this.#notes.change(id, sectionNote, refusals, (was) =>
      draftOf({
        sectionId,
        enteredAtMs: was?.sectionId === sectionId ? was.enteredAtMs : Date.now(),
        position: position ?? gap,
      }),
    );
  }

  async #neighbours(id: ThreadId, sectionId: string): Promise<readonly Neighbour[]> {
    const all = await this.#notes.find(sectionNote, sectionId);
    return all.flatMap(({ threadId, value }) =>
      threadId === id ? [] : [{ threadId, position: value.position }],
    );
  }

  /** Makes room between all of them. */
  async #spread(neighbours: readonly Neighbour[]): Promise<void> {
    for (const [at, { threadId }] of [...neighbours.entries()].toReversed()) {
      await this.#notes.change(
        threadId,
        sectionNote,
        refusals,
        (was) => was && draftOf({ ...was, position: (at + 1) * gap }),
      );
    }
  }

  async #all(): Promise<readonly ThreadSection[]> {
    return [pinned, ...((await this.#notes.read(null, sectionsNote)) ?? [])];
  }

  async #alone<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#moving.then(work, work);
    this.#moving = mine.catch(() => undefined);
    return mine;
  }
}

interface Neighbour {
  readonly threadId: ThreadId;
  readonly position: number;
}

const draftOf = (value: SectionPlace) => ({
  value,
  labels: [{ label: value.sectionId, position: value.position }],
});

function found(sections: readonly ThreadSection[], id: string): ThreadSection {
  const section = sections.find((each) => each.id === id);
  if (!section) throw wrongParam(`thread section not found: ${id}`);
  return section;
}

/** A free position in front of `before`, or behind all; undefined where there is none between two neighbours. */
function placeAmong(
  neighbours: readonly Neighbour[],
  before: ThreadId | undefined,
  sectionId: string,
): number | undefined {
  if (before === undefined) return (neighbours.at(-1)?.position ?? 0) + gap;
  const at = neighbours.findIndex(({ threadId }) => threadId === before);
  const next = neighbours[at];
  if (!next) throw invalidRequest(`before thread ${before} is not in section ${sectionId}`);
  const previous = neighbours[at - 1]?.position ?? 0;
  const middle = Math.floor((previous + next.position) / 2);
  return middle > previous ? middle : undefined;
}
