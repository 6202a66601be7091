import { useMemo } from "react";
import { beginningOf } from "../state/visible-text.ts";
import { VisibleText } from "./visible-text.tsx";

/** A text that is to be judged: its beginning, until all of it is asked for. */
export function ExactText(props: {
  readonly text: string;
  readonly label: string;
  readonly all: boolean;
  readonly onAll: () => void;
}) {
  const { text, label, all, onAll } = props;
  const { shown, whole } = useMemo(() => beginningOf(text), [text]);
  return (
    <>
      <pre className="approval-command" tabIndex={0} role="group" aria-label={label}>
        <VisibleText text={all ? text : shown} />
      </pre>
      {whole !== undefined && !all && (
        <button type="button" className="ghost output-more" onClick={onAll}>
          Show all {whole.lines} lines, {whole.characters} characters
        </button>
      )}
    </>
  );
}
