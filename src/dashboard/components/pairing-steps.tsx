import type { PairingStep } from "../../client/pairing.ts";
import { Icon } from "./icon.tsx";

const steps: readonly (readonly [PairingStep, string])[] = [
  ["makingKey", "Making a key"],
  ["asking", "Asking the host"],
  ["proving", "Proving the key"],
  ["saving", "Keeping it in this browser"],
];

export function PairingSteps({ current }: { readonly current: PairingStep }) {
  const at = steps.findIndex(([step]) => step === current);
  return (
    <ol className="pairing-steps" aria-live="polite">
      {steps.map(([step, label], index) => (
        <li key={step} className={index < at ? "done" : index === at ? "now" : "later"}>
          {index < at ? <Icon name="check" /> : <Icon name="circle" />}
          {label}
        </li>
      ))}
    </ol>
  );
}
