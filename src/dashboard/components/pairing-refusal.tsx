import type { SignedOutReason } from "../../client/refused.ts";
import { NextStep } from "./next-step.tsx";

export function PairingRefusal({ reason }: { readonly reason: SignedOutReason }) {
  return (
    <div className="refusal" role="alert">
      <p>
        <strong>{reason.message}</strong>
      </p>
      <NextStep sentence={reason.nextStep} />
      <p className="fine">Reason: {reason.code}</p>
    </div>
  );
}
