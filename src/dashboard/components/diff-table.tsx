import { useState } from "react";
import type { DiffRow } from "../state/diff-rows.ts";
import { VisibleText } from "./visible-text.tsx";

const firstRows = 200;

const signs = { added: "+", removed: "−", kept: "" } as const;
const words = { added: "added", removed: "removed", kept: "" } as const;

/** Added and removed lines by sign and by colour. */
export function DiffTable(props: { readonly rows: readonly DiffRow[]; readonly path: string }) {
  const [all, setAll] = useState(false);
  const { rows, path } = props;
  const shown = all ? rows : rows.slice(0, firstRows);
  if (rows.length === 0) return <p className="diff-empty">An empty file.</p>;
  return (
    <>
      <div className="diff-scroll" tabIndex={0} role="region" aria-label={`Changes of ${path}`}>
        <table className="diff">
          <tbody>
            {shown.map((row, index) => (
              // Rows of one diff never change places.
              <DiffLine key={`${index}`} row={row} />
            ))}
          </tbody>
        </table>
      </div>
      {rows.length > shown.length && (
        <button type="button" className="ghost output-more" onClick={() => setAll(true)}>
          Show all {rows.length} lines
        </button>
      )}
    </>
  );
}

function DiffLine({ row }: { readonly row: DiffRow }) {
  if (row.kind === "hunk") {
    return (
      <tr className="diff-hunk">
        <td colSpan={4}>{row.text}</td>
      </tr>
    );
  }
  return (
    <tr className={`diff-${row.kind}`}>
      <td className="diff-number">{row.oldLine}</td>
      <td className="diff-number">{row.newLine}</td>
      <td className="diff-sign">
        <span aria-hidden="true">{signs[row.kind]}</span>
        <span className="sr-only">{words[row.kind]}</span>
      </td>
      <td className="diff-text">
        <VisibleText text={row.text} />
      </td>
    </tr>
  );
}
