import type { Turn } from "../protocol/turn.ts";
import { spliced } from "../util/spliced-json.ts";

const known = new WeakMap<Turn, Turn>();

/**
 * A turn that will not change any more. Its JSON text is made once, when it is first asked for, and
 * put into every answer after that: a long thread is read by copying bytes.
 */
export function pastTurn(turn: Turn): Turn {
  const before = known.get(turn);
  if (before) return before;
  let json: string | undefined;
  const past: Turn = { ...turn };
  Object.defineProperty(past, "toJSON", {
    value: () => spliced(() => (json ??= JSON.stringify(turn))) ?? turn,
  });
  known.set(turn, past);
  known.set(past, past);
  return past;
}
