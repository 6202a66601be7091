/** What connections hold open, by the names that they gave it. */
export class OwnedTable<T extends { close(): void }> {
  readonly #owners = new Map<object, Map<string, T>>();

  get(owner: object, id: string): T | undefined {
    return this.#owners.get(owner)?.get(id);
  }

  count(owner: object): number {
    return this.#owners.get(owner)?.size ?? 0;
  }

  get countOfAll(): number {
    let sum = 0;
    for (const table of this.#owners.values()) sum += table.size;
    return sum;
  }

  /** What had the name before is closed. */
  set(owner: object, id: string, held: T): void {
    this.close(owner, id);
    const table = this.#owners.get(owner) ?? new Map<string, T>();
    this.#owners.set(owner, table);
    table.set(id, held);
  }

  /** Closes and forgets it, where it is still the one of that name. */
  close(owner: object, id: string, held: T | undefined = this.get(owner, id)): void {
    if (!held || this.get(owner, id) !== held) return;
    const table = this.#owners.get(owner);
    table?.delete(id);
    if (table?.size === 0) this.#owners.delete(owner);
    held.close();
  }

  closeAll(): void {
    for (const [owner, table] of this.#owners) {
      for (const id of table.keys()) this.close(owner, id);
    }
  }
}
