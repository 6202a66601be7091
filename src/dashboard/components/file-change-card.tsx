import type { FileChangeItem } from "../../protocol/item.ts";
import { FileDiff } from "./file-diff.tsx";
import { WorkMark } from "./work-mark.tsx";

export function FileChangeCard({ item }: { readonly item: FileChangeItem }) {
  const count = item.changes.length;
  return (
    <section className="card" aria-label="File changes">
      <header className="card-head">
        <WorkMark status={item.status} failed={false} />
        <span className="card-title">
          {item.status === "completed" ? "Changed" : "Change"}{" "}
          {count === 1 ? "1 file" : `${count} files`}
        </span>
      </header>
      {item.changes.map((change) => (
        <FileDiff key={change.path} change={change} open />
      ))}
    </section>
  );
}
