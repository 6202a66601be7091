import { memo } from "react";
import type { OtherItem, ThreadItem } from "../../protocol/item.ts";
import { unreachable } from "../../util/unreachable.ts";
import { textOf } from "../state/pending-sends.ts";
import { CommandCard } from "./command-card.tsx";
import { FileChangeCard } from "./file-change-card.tsx";
import { Markdown } from "./markdown.tsx";
import { ReasoningCard } from "./reasoning-card.tsx";

/** One item. Only the one that changes is drawn again while others stream. */
export const ItemBlock = memo(function ItemBlock(props: {
  readonly item: ThreadItem;
  readonly done: boolean;
}) {
  const { item, done } = props;
  if (isOther(item)) return <p className="quiet-note">{otherNames[item.type] ?? item.type}</p>;
  switch (item.type) {
    case "userMessage":
      return (
        <div className="own-message">
          <h3 className="sr-only">You</h3>
          <p className="own-text">{textOf(item)}</p>
        </div>
      );
    case "agentMessage":
      return (
        <div className={done ? "agent-message" : "agent-message streaming"}>
          <h3 className="sr-only">Agent</h3>
          <Markdown text={item.text} />
        </div>
      );
    case "reasoning":
      return <ReasoningCard item={item} done={done} />;
    case "commandExecution":
      return <CommandCard item={item} />;
    case "fileChange":
      return <FileChangeCard item={item} />;
    case "imageView":
      return <p className="quiet-note">Looked at {item.path}</p>;
    default:
      return unreachable(item);
  }
});

type ShownItem = Exclude<ThreadItem, OtherItem>;

const shownTypes: ReadonlySet<string> = new Set<ShownItem["type"]>([
  "userMessage",
  "agentMessage",
  "reasoning",
  "commandExecution",
  "fileChange",
  "imageView",
]);

/** Kinds that have no card of their own, those of later versions too. */
const isOther = (item: ThreadItem): item is OtherItem => !shownTypes.has(item.type);

const otherNames: Readonly<Record<string, string>> = {
  webSearch: "Searched the web",
  mcpToolCall: "Called a tool of an MCP server",
  dynamicToolCall: "Called a tool",
  contextCompaction: "Shortened the conversation's history for the model",
  imageGeneration: "Made an image",
};
