/** Why a call with an idempotency key was not made, or not made again: the sentences and next steps, by their stable codes. */
import { RpcError } from "../protocol/errors.ts";

const refusals = {
  idempotency_key_invalid: [
    "The idempotency key is not a string of 1 to 128 visible ASCII characters.",
    "Send a random one, such as a UUID.",
  ],
  idempotency_params_too_deep: [
    "The params are nested too deeply to be known again, so the call was not made.",
    "Send them flatter, or without an idempotency key.",
  ],
  idempotency_key_reused: [
    "This idempotency key came with another method or other params before.",
    "Make a new key for every call, and send one again only with the very same call.",
  ],
  idempotency_keys_exhausted: [
    "Too many calls with idempotency keys are kept for this access, or by this host; this one was not made.",
    "Make it without a key, or when the oldest ones are a day old.",
  ],
  idempotency_not_recorded: [
    "The host cannot write down that the call begins, so it was not made.",
    "Free space on the disk of FARHELM_HOME, then try again.",
  ],
  answer_not_kept: [
    "The call was carried out; its answer is not kept, because it is large or secret.",
    "Read what it changed. Do not make the call again.",
  ],
  outcome_unknown: [
    "The host ended while this call was under way: whether it was carried out is not known. It was not made again.",
    "Read what it was to change, and make the call with a new key where that is missing.",
  ],
} as const;

export type KeyRefusal = keyof typeof refusals;

export function keyRefusal(code: KeyRefusal, cause?: unknown): RpcError {
  const [message, nextStep] = refusals[code];
  const data = { code, nextStep };
  return new RpcError("invalidRequest", `${message} ${nextStep}`, { data, cause });
}
