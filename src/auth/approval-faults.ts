/** Why an answer to an approval does not count: code, sentence, next step. */

const useDevice =
  "Approve it in the dashboard on a paired device, or decline it: declining needs no signature.";
const answerAgain = "Look at what is asked now and answer again.";

const table = {
  approval_signature_missing: [
    "This approval counts only with the signature of a paired device, and the answer held none.",
    useDevice,
  ],
  approval_no_key: [
    "This approval counts only with the signature of a paired device, and this connection has no device key.",
    useDevice,
  ],
  approval_signature_malformed: [
    "The signature of this approval does not have the expected members.",
    "Update the client.",
  ],
  approval_expired: [
    "This approval was asked too long ago to be signed; it is asked again.",
    answerAgain,
  ],
  approval_bytes_differ: ["What was signed is not this question with this decision.", answerAgain],
  approval_signature_invalid: [
    "The signature of this approval was not made by this device's key.",
    "Reload the page; if that does not help, pair this device again.",
  ],
  approval_not_recorded: [
    "The receipt of this approval could not be written, so it does not count.",
    "Make room on the host's disk, then answer again.",
  ],
} as const;

export type ApprovalFaultCode = keyof typeof table;

export function approvalFault(code: ApprovalFaultCode): {
  readonly code: ApprovalFaultCode;
  readonly message: string;
  readonly nextStep: string;
} {
  const [message, nextStep] = table[code];
  return { code, message, nextStep };
}
