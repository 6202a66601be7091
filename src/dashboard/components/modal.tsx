import type { ReactNode } from "react";
import { useEffect, useRef } from "react";
import { Icon } from "./icon.tsx";

/** The browser's own modal dialog: it holds the focus, closes on Escape, and gives the focus back. */
export function Modal(props: {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current;
    if (element?.open === false) element.showModal();
  }, []);
  return (
    <dialog ref={dialog} className="modal" aria-label={props.title} onClose={props.onClose}>
      <header className="modal-head">
        <h2>{props.title}</h2>
        <button
          type="button"
          className="ghost icon-button"
          aria-label="Close"
          onClick={() => dialog.current?.close()}
        >
          <Icon name="cross" />
        </button>
      </header>
      {props.children}
    </dialog>
  );
}
