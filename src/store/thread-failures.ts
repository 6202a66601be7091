/** What every store says of a thread that cannot be had. */
import { StoreError } from "./port.ts";

export const threadNotFound = (id: string): StoreError =>
  new StoreError("notFound", `No thread ${id} is stored here. Look for it in the list of threads.`);

export const turnNotFound = (id: string): StoreError =>
  new StoreError("notFound", `turn not found: ${id}`);

/** This program writes the thread already. */
export const openAlready = (id: string): StoreError =>
  new StoreError("busy", `Thread ${id} is open for writing already. Close it first.`);
