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
    root.current?.querySelector<HTMLElement>("[role=menuitem]")?.focus();
    const close = (event: Event): void => {
      const inside = event.target instanceof Node && root.current?.contains(event.target) === true;
      if (!inside || (event instanceof KeyboardEvent && event.key === "Escape")) setOpen(false);
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
        aria-haspopup="menu"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        <Icon name="more" />
      </button>
      {open && (
        <div className="menu-list" role="menu">
          <button
            type="button"
            role="menuitem"
            onClick={() => {
              setOpen(false);
              setRenaming(true);
            }}
          >
            <Icon name="pencil" /> Rename
          </button>
          <button type="button" role="menuitem" onClick={() => void archive()}>
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
