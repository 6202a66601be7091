/** What a person can do when a state file cannot be used; the driver's own words are only a number. */
export const openFailure = (file: string, error: unknown): Error =>
  new Error(
    `${file} cannot be used (${error instanceof Error ? error.message : String(error)}). Is the disk full, or the folder read-only? Make room, or choose another folder with FARHELM_HOME.`,
    { cause: error },
  );
