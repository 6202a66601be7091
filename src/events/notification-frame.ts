import { textFrame } from "../util/text-frame.ts";

/** One notification as a WebSocket frame; `method` stands first so that readers can sort without parsing. */
export const notificationFrame = (method: string, params: unknown, emittedAtMs: number): Buffer =>
  textFrame(
    `{"method":"${method}","params":${JSON.stringify(params)},"emittedAtMs":${emittedAtMs}}`,
  );
