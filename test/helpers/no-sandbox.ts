/** A machine on which no process can be confined. */
import { Confinement } from "../../src/tools/confinement.ts";
import { type Sandbox, SandboxError } from "../../src/tools/sandbox/port.ts";

const noSandbox: Sandbox = {
  state: async () => ({
    works: false,
    reason: "bubblewrap is not installed",
    fix: "install it: `apt install bubblewrap`",
  }),
  confine: async () => {
    throw new SandboxError("there is none");
  },
};

export const noConfinement = new Confinement({ sandbox: noSandbox, environment: {} });
