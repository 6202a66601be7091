import { memo, useMemo } from "react";
import { readMarkdown } from "../host/markdown-blocks.ts";
import { CodeBlock } from "./code-block.tsx";

/** Streamed markdown: only blocks whose source changed are drawn again. */
export const Markdown = memo(function Markdown({ text }: { readonly text: string }) {
  const blocks = useMemo(() => readMarkdown(text), [text]);
  return (
    <div className="markdown">
      {blocks.map((block) =>
        block.kind === "code" ? (
          <CodeBlock key={block.key} code={block.code} language={block.language} />
        ) : (
          <HtmlBlock key={block.key} html={block.html} />
        ),
      )}
    </div>
  );
});

/** The text was sanitised when it was read. */
const HtmlBlock = memo(function HtmlBlock({ html }: { readonly html: string }) {
  return <div className="markdown-block" dangerouslySetInnerHTML={{ __html: html }} />;
});
