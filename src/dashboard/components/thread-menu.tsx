import { useEffect, useRef, useState } from "react";
import type { Thread } from "../../protocol/thread.ts";
import { archiveThread } from "../host/actions.ts";
import { goTo } from "../host/route.ts";
import { Icon } from "./icon.tsx";
import { RenameDialog } from "./rename-dialog.tsx";

export function ThreadMenu({ thread }: { readonly thread: Thread }) {
  const [open, setOpen] = useState(false);
  const [renaming, setRenaming] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const root = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return undefined;
    root.current?.querySelector<HTMLElement>(".menu-list button")?.focus();
    const close = (event: Event): void => {
      const inside = event.target instanceof Node && root.current?.contains(event.target) === true;
      const escaped = event instanceof KeyboardEvent && event.key === "Escape";
      if (!inside || escaped) setOpen(false);
      if (escaped) root.current?.querySelector("button")?.focus();
    };
    document.addEventListener("pointerdown", close);
    document.addEventListener("keydown", close);
    return () => {
      document.removeEventListener("pointerdown", close);
      document.removeEventListener("keydown", close);
    };
  }, [open]);
  const archive = async (): Promise<void> => {
    setOpen(false);
    const failure = await archiveThread(thread.id);
    setError(failure);
    if (failure === null) goTo("#/");
  };
  return (
    <div className="menu" ref={root}>
      <button
        type="button"
        className="ghost icon-button"
        aria-label="Thread menu"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        <Icon name="more" />
      </button>
      {open && (
        <div className="menu-list">
          <button
            type="button"
            onClick={() => {
              setOpen(false);
              setRenaming(true);
            }}
          >
            <Icon name="pencil" /> Rename
          </button>
          <button type="button" onClick={() => void archive()}>
            <Icon name="archive" /> Archive
          </button>
        </div>
      )}
      {error !== null && (
        <p className="menu-error" role="alert">
          {error}
        </p>
      )}
      {renaming && <RenameDialog thread={thread} onClose={() => setRenaming(false)} />}
    </div>
  );
}
