import { Fragment, memo } from "react";
import { visibleParts } from "../state/visible-text.ts";

/** Text of others, in the order of its characters, with a mark for each that would not be seen. */
export const VisibleText = memo(function VisibleText({ text }: { readonly text: string }) {
  return (
    <bdo dir="ltr">
      {visibleParts(text).map((part, index) =>
        part.kind === "text" ? (
          // Parts of one text never change places.
          <Fragment key={`${index}`}>{part.text}</Fragment>
        ) : (
          <mark key={`${index}`} className="unseen" title={part.name}>
            {part.label}
          </mark>
        ),
      )}
    </bdo>
  );
});
