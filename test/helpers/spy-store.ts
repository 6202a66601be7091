/** Any thread store, with its calls counted: its own, its notes' and its writers'. */
import type { ThreadNotes, ThreadStore, ThreadWriter } from "../../src/store/port.ts";

export interface SpyStore {
  readonly store: ThreadStore;
  /** How often each method was called since the last time: `load`, `notes.read`, `writer.append`. */
  counted(): Readonly<Record<string, number>>;
}

export function spyStore(inner: ThreadStore): SpyStore {
  const counts = new Map<string, number>();
  /** The same object; `made` looks at what its methods return. */
  const spied = <T extends ThreadStore | ThreadNotes | ThreadWriter>(
    object: T,
    prefix: string,
    made: (value: unknown) => unknown = (value) => value,
  ): T =>
    new Proxy(object, {
      get: (target, member) => {
        const value: unknown = Reflect.get(target, member);
        if (member === "notes" && isNotes(value)) return spied(value, "notes.");
        if (typeof value !== "function") return value;
        return (...args: readonly unknown[]): unknown => {
          const name = `${prefix}${String(member)}`;
          counts.set(name, (counts.get(name) ?? 0) + 1);
          const result: unknown = Reflect.apply(value, target, args);
          return result instanceof Promise ? result.then(made) : made(result);
        };
      },
    });
  const writers = (value: unknown): unknown => (isWriter(value) ? spied(value, "writer.") : value);
  return {
    store: spied(inner, "", writers),
    counted: () => {
      const found = Object.fromEntries(counts);
      counts.clear();
      return found;
    },
  };
}

const isWriter = (value: unknown): value is ThreadWriter =>
  typeof value === "object" && value !== null && "append" in value;

const isNotes = (value: unknown): value is ThreadNotes =>
  typeof value === "object" && value !== null && "readAll" in value;
