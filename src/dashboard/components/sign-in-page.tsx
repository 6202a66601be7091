import type { SignedOutReason } from "../../client/refused.ts";
import { startSession } from "../host/session.ts";
import { NextStep } from "./next-step.tsx";
import { PlainPage } from "./plain-page.tsx";

export function SignInPage({ reason }: { readonly reason: SignedOutReason }) {
  return (
    <PlainPage title={reason.code === "not_paired" ? "Pair this browser" : "You are signed out"}>
      <p role="alert">{reason.message}</p>
      <NextStep sentence={reason.nextStep} />
      <div className="actions">
        <a className="button primary" href="./pair">
          I have a code or link
        </a>
        <button type="button" className="button" onClick={() => startSession()}>
          Try again
        </button>
      </div>
      <p className="fine">Reason: {reason.code}</p>
    </PlainPage>
  );
}
