import type { ReasoningItem } from "../../protocol/item.ts";
import { Markdown } from "./markdown.tsx";

export function ReasoningCard(props: { readonly item: ReasoningItem; readonly done: boolean }) {
  const { item, done } = props;
  const text = item.summary.filter((part) => part !== "").join("\n\n");
  if (text === "") return done ? null : <p className="working">Thinking…</p>;
  return (
    <details className="reasoning">
      <summary>{done ? "Thoughts" : "Thinking…"}</summary>
      <Markdown text={text} />
    </details>
  );
}
