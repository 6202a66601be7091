import type { FormEvent } from "react";
import { useState } from "react";
import type { Thread } from "../../protocol/thread.ts";
import { renameThread } from "../host/actions.ts";
import { titleOf } from "../state/thread-list.ts";
import { Modal } from "./modal.tsx";

export function RenameDialog(props: { readonly thread: Thread; readonly onClose: () => void }) {
  const [name, setName] = useState(titleOf(props.thread));
  const [error, setError] = useState<string | null>(null);
  const rename = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    const failure = await renameThread(props.thread.id, name.trim());
    if (failure === null) props.onClose();
    else setError(failure);
  };
  return (
    <Modal title="Rename thread" onClose={props.onClose}>
      <form className="stack" onSubmit={(event) => void rename(event)}>
        <label className="field">
          <span>Name</span>
          <input value={name} onChange={({ target }) => setName(target.value)} required />
        </label>
        {error !== null && (
          <p className="refusal" role="alert">
            {error}
          </p>
        )}
        <div className="actions">
          <button type="submit" className="button primary" disabled={name.trim() === ""}>
            Rename
          </button>
        </div>
      </form>
    </Modal>
  );
}
