import { describe, expect, test } from "vitest";
import { bytesFrame, notificationFrame } from "../../../src/events/notification-frame.ts";

describe("a notification that carries bytes", () => {
  // payloads around the borders of the three header lengths (RFC 6455, section 5.2), and each padding
  test.each([0, 1, 2, 3, 12, 40, 41, 48_000, 49_050, 49_080, 65_536])(
    "is the frame that its params would make: %i bytes",
    (length) => {
      const bytes = Buffer.alloc(length, "\u00ff", "latin1");
      const params = { processId: 'é"', deltaBase64: bytes.toString("base64"), capReached: true };
      const head = `{"processId":${JSON.stringify(params.processId)},"deltaBase64":"`;
      const frame = bytesFrame("x/y", { head, bytes, tail: '","capReached":true}' }, 1);
      expect(frame.equals(notificationFrame("x/y", params, 1))).toBe(true);
    },
  );
});
