/** What admins do about those who come in by other issuers' tokens or as agents. */
import { by as byActor, type Actor, type Audit } from "../audit/port.ts";
import type { ForeignDenials } from "./foreign-denials.ts";
import type { ForeignDoor } from "./foreign-door.ts";
import type { ForeignAdmin, ForeignDenial, ForeignRevocation, ForeignTarget } from "./port.ts";

export class HostForeigners implements ForeignAdmin {
  readonly #door: ForeignDoor;
  readonly #denials: ForeignDenials;
  readonly #audit: Audit;
  readonly #generationRaised: () => void;

  constructor(
    parts: { door: ForeignDoor; denials: ForeignDenials; audit: Audit },
    generationRaised: () => void,
  ) {
    this.#door = parts.door;
    this.#denials = parts.denials;
    this.#audit = parts.audit;
    this.#generationRaised = generationRaised;
  }

  list(): readonly ForeignDenial[] {
    return this.#denials.list();
  }

  revoke(target: ForeignTarget, by: Actor): ForeignRevocation {
    const entry = { act: "access.revoke" as const, ...byActor(by), about: aboutOf(target) };
    const isKnown = this.#door.knows(target);
    if (!isKnown || !this.#denials.add(target)) {
      this.#audit.add({ ...entry, outcome: "failed", code: "not_found" });
      return { revoked: false, was: isKnown ? "revoked" : "unknown", ids: [] };
    }
    this.#audit.add({ ...entry, outcome: "done" });
    const ids = this.#door.drop(target);
    this.#generationRaised();
    return { revoked: true, was: ids.length > 0 ? "live" : "unknown", ids };
  }

  restore(target: ForeignTarget, by: Actor): boolean {
    const restored = this.#denials.remove(target);
    this.#audit.add({
      act: "access.restore",
      outcome: restored ? "done" : "failed",
      ...(!restored && { code: "not_found" }),
      ...byActor(by),
      about: aboutOf(target),
    });
    return restored;
  }
}

const aboutOf = ({ kind, id }: ForeignTarget): Record<string, string> =>
  kind === "account" ? { account: id } : { id };
