/** Whether processes can be confined on this machine. */
export type SandboxState =
  | { readonly works: true; readonly how: string }
  /** Two sentences without a full stop at the end: why none works, and what to do. */
  | { readonly works: false; readonly reason: string; readonly fix: string };
