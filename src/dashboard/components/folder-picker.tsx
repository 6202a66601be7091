import { useEffect, useState } from "react";
import { listFolders } from "../host/actions.ts";
import { useDashboard } from "../host/store.ts";
import { childPath, parentPath } from "../state/paths.ts";
import { recentFolders } from "../state/thread-list.ts";
import { Icon } from "./icon.tsx";
import { Modal } from "./modal.tsx";

type Listing =
  | { readonly path: string; readonly folders: string[] }
  | { readonly path: string; readonly error: string };

export function FolderPicker(props: {
  readonly start: string | null;
  readonly onChoose: (folder: string | null) => void;
  readonly onClose: () => void;
}) {
  const home = useDashboard((state) => state.homeFolder);
  const threads = useDashboard((state) => state.host.threads);
  const [path, setPath] = useState(props.start ?? home);
  const [hidden, setHidden] = useState(false);
  const listing = useListing(path);
  const recent = recentFolders(threads);
  return (
    <Modal title="Choose a folder" onClose={props.onClose}>
      {recent.length > 0 && (
        <ul className="recent-folders" aria-label="Recent folders">
          {recent.map((folder) => (
            <li key={folder}>
              <button type="button" className="chip" onClick={() => setPath(folder)}>
                {folder}
              </button>
            </li>
          ))}
        </ul>
      )}
      <div className="folder-path">
        <button
          type="button"
          className="button icon-button"
          aria-label="Up one folder"
          disabled={path === "/"}
          onClick={() => setPath(parentPath(path))}
        >
          <Icon name="up" />
        </button>
        <code>{path}</code>
      </div>
      <FolderRows
        listing={listing}
        hidden={hidden}
        onOpen={(name) => setPath(childPath(path, name))}
      />
      <label className="check-field">
        <input type="checkbox" checked={hidden} onChange={() => setHidden(!hidden)} />
        Show hidden folders
      </label>
      <div className="actions">
        <button type="button" className="button primary" onClick={() => props.onChoose(path)}>
          Use this folder
        </button>
        <button type="button" className="button" onClick={() => props.onChoose(null)}>
          Use the default folder
        </button>
      </div>
    </Modal>
  );
}

/** What is in the folder; undefined while the host is asked. */
function useListing(path: string): Listing | undefined {
  const [listing, setListing] = useState<Listing>();
  useEffect(() => {
    let wanted = true;
    void listFolders(path).then((answer) => {
      if (wanted) setListing({ path, ...answer });
      return answer;
    });
    return () => {
      wanted = false;
    };
  }, [path]);
  return listing?.path === path ? listing : undefined;
}

function FolderRows(props: {
  readonly listing: Listing | undefined;
  readonly hidden: boolean;
  readonly onOpen: (name: string) => void;
}) {
  const { listing } = props;
  if (listing === undefined) return <p className="folder-note">Reading…</p>;
  if ("error" in listing) {
    return (
      <p className="folder-note" role="alert">
        This folder cannot be read: {listing.error}
      </p>
    );
  }
  const shown = listing.folders.filter((name) => props.hidden || !name.startsWith("."));
  if (shown.length === 0) return <p className="folder-note">No folders in here.</p>;
  return (
    <ul className="folder-rows">
      {shown.map((name) => (
        <li key={name}>
          <button type="button" className="ghost" onClick={() => props.onOpen(name)}>
            <Icon name="folder" />
            {name}
          </button>
        </li>
      ))}
    </ul>
  );
}
