import { Fragment } from "react";
import { commandsOf, stepParts } from "../state/next-step.ts";
import { CopyButton } from "./copy-button.tsx";

/** What to do next: the sentence, and its commands ready to copy. */
export function NextStep({ sentence }: { readonly sentence: string }) {
  return (
    <div className="next-step">
      <p>
        {stepParts(sentence).map(({ kind, text }) =>
          kind === "command" ? (
            <code key={text}>{text}</code>
          ) : (
            <Fragment key={text}>{text}</Fragment>
          ),
        )}
      </p>
      {commandsOf(sentence).map((command) => (
        <div className="command-line" key={command}>
          <code>{command}</code>
          <CopyButton text={command} label={`Copy ${command}`} />
        </div>
      ))}
    </div>
  );
}
