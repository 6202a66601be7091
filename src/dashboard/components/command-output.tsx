import { useMemo, useState } from "react";
import { plainOutput, tailLines } from "../state/terminal-text.ts";

const shortLines = 12;
/** More than this in one element makes pages slow. */
const mostLines = 5_000;

export function CommandOutput({ output }: { readonly output: string }) {
  const [all, setAll] = useState(false);
  const plain = useMemo(() => plainOutput(output), [output]);
  const { shown, lines } = tailLines(plain, all ? mostLines : shortLines);
  return (
    <div className="output">
      {lines > shortLines && (
        <button type="button" className="ghost output-more" onClick={() => setAll(!all)}>
          {all ? "Show less" : `Show all ${lines} lines`}
        </button>
      )}
      <pre tabIndex={0} role="group" aria-label="Output">
        {shown}
      </pre>
    </div>
  );
}
