import type { FrameClock } from "../state/frame-queue.ts";

export const browserClock: FrameClock = {
  requestFrame: (run) => {
    const id = requestAnimationFrame(run);
    return () => cancelAnimationFrame(id);
  },
  requestTimer: (run, ms) => {
    const id = setTimeout(run, ms);
    return () => clearTimeout(id);
  },
};
