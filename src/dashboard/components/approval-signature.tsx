import { useEffect, useState } from "react";
import { changesDigest } from "../../client/signed-approval.ts";
import type { FileUpdateChange } from "../../protocol/item.ts";
import type { ApprovalChallenge } from "../../protocol/signed-approval.ts";

/** Says that the answer will be signed, and over what. */
export function ApprovalSignature({ challenge }: { readonly challenge: ApprovalChallenge }) {
  const { payload } = challenge;
  const facts: readonly (readonly [string, string])[] = [
    ["Host", payload.hostId],
    ["Thread", payload.threadId],
    ["Turn", payload.turnId],
    ["Item", payload.itemId],
    ...(payload.kind === "fileChange"
      ? [["Changes", `SHA-256 ${payload.diffSha256Base64url}`] as const]
      : []),
    ...(payload.kind === "command"
      ? [["Sandbox", payload.escalated ? "none" : "yes"] as const]
      : []),
    ...(payload.kind === "command" && payload.reaches !== undefined
      ? [["Reaches", payload.reaches] as const]
      : []),
    ["Good until", new Date(payload.expiresAt * 1000).toLocaleTimeString()],
    ["Nonce", payload.nonce],
  ];
  return (
    <details className="approval-signed">
      <summary>
        <strong>Signed approval.</strong> This device signs exactly what is shown here, and your
        decision.
      </summary>
      <dl className="approval-facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}

/** Whether these changes are the ones to be signed; undefined while that is not known. */
export function usePatchMatches(
  challenge: ApprovalChallenge | undefined,
  changes: readonly FileUpdateChange[] | undefined,
): boolean | undefined {
  const [digest, setDigest] = useState<string>();
  useEffect(() => {
    let current = true;
    setDigest(undefined);
    if (changes !== undefined)
      void changesDigest(changes).then((found) => (current ? setDigest(found) : undefined));
    return () => {
      current = false;
    };
  }, [changes]);
  if (challenge?.payload.kind !== "fileChange") return true;
  return digest === undefined ? undefined : digest === challenge.payload.diffSha256Base64url;
}
