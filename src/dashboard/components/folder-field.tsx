import { useState } from "react";
import { shortPath } from "../state/paths.ts";
import { FolderPicker } from "./folder-picker.tsx";
import { Icon } from "./icon.tsx";

export function FolderField(props: {
  readonly value: string | null;
  readonly onChange: (folder: string | null) => void;
}) {
  const [open, setOpen] = useState(false);
  const { value } = props;
  return (
    <>
      <button
        type="button"
        className="button folder-button"
        aria-haspopup="dialog"
        title={value ?? undefined}
        onClick={() => setOpen(true)}
      >
        <Icon name="folder" />
        <span className="sr-only">Folder: </span>
        {value === null ? "Default folder" : shortPath(value)}
      </button>
      {open && (
        <FolderPicker
          start={value}
          onChoose={(folder) => {
            props.onChange(folder);
            setOpen(false);
          }}
          onClose={() => setOpen(false)}
        />
      )}
    </>
  );
}
