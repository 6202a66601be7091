/** Where tools report what nobody else would hear of. Never output, prompts or secrets. */
export interface ToolLog {
  warn(details: object, message: string): void;
}
