import { useState } from "react";
import { keepDraft, readDraft } from "../host/drafts.ts";

/** Text that survives a reload until it is sent. */
export function useDraft(key: string): readonly [string, (text: string) => void] {
  const [text, setText] = useState(() => readDraft(key));
  const change = (changed: string): void => {
    setText(changed);
    keepDraft(key, changed);
  };
  return [text, change];
}
