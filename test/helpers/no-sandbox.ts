/** A machine on which no process can be confined. */
import { type Sandbox, SandboxError } from "../../src/tools/sandbox/port.ts";

export const noSandbox: Sandbox = {
  state: async () => ({
    works: false,
    reason: "bubblewrap is not installed",
    fix: "install it: `apt install bubblewrap`",
  }),
  confine: async () => {
    throw new SandboxError("there is none");
  },
};
