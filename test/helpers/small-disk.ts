/** A file system of its own with little room, where this user may mount one. */
import { spawnSync } from "node:child_process";
import { closeSync, openSync, rmSync, truncateSync, writeSync } from "node:fs";
import { join } from "node:path";
import { newFolder } from "./host-process.ts";

const mount = (...args: readonly string[]): boolean => spawnSync("mount", args).status === 0;
const pageBytes = 4096;

export class SmallDisk {
  readonly path = newFolder("farhelm-disk-");

  /** Undefined, with a loud line, where nothing can be mounted. */
  static make(megabytes: number): SmallDisk | undefined {
    const disk = new SmallDisk();
    if (mount("-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", disk.path)) return disk;
    rmSync(disk.path, { recursive: true });
    process.stderr.write(
      "SKIPPED: no disk can be mounted here, so none was full or read-only; run the tests as root\n",
    );
    return undefined;
  }

  get #filler(): string {
    return join(this.path, "filler");
  }

  /** Leaves no room but `bytes`. */
  fill(bytes = 0): void {
    const file = openSync(this.#filler, "a");
    let written = 0;
    try {
      for (const page = Buffer.alloc(pageBytes); ;) written += writeSync(file, page);
    } catch {
      closeSync(file);
    }
    if (bytes > 0) truncateSync(this.#filler, Math.max(0, written - bytes));
  }

  /** Takes away what `fill` put there. */
  makeRoom(): void {
    rmSync(this.#filler, { force: true });
  }

  /** Possible while no file is open for writing. */
  setWritable(writable: boolean): void {
    if (!mount("-o", `remount,${writable ? "rw" : "ro"}`, this.path))
      throw new Error("the disk is in use");
  }

  remove(): void {
    spawnSync("umount", ["-l", this.path]);
    rmSync(this.path, { recursive: true, force: true });
  }
}
