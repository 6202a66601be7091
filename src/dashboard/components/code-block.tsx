import { memo } from "react";
import { CopyButton } from "./copy-button.tsx";

export const CodeBlock = memo(function CodeBlock(props: {
  readonly code: string;
  readonly language: string;
}) {
  return (
    <figure className="code-block">
      <figcaption>
        <span>{props.language || "text"}</span>
        <CopyButton text={props.code} label="Copy code" />
      </figcaption>
      <pre tabIndex={0} role="group" aria-label="Code">
        <code>{props.code}</code>
      </pre>
    </figure>
  );
});
