/** Writes JSON Schema and TypeScript of every method, notification and server request; returns the paths. */
export function writeSchema(_folder: string): Promise<readonly string[]> {
  return Promise.reject(new Error("the schema cannot be written yet"));
}
