import type { KeyboardEvent } from "react";
import { useLayoutEffect, useRef } from "react";

const grows = CSS.supports("field-sizing", "content");

/** A text field as tall as its text, within limits that the style sheet sets. */
export function GrowingText(props: {
  readonly label: string;
  readonly value: string;
  readonly disabled: boolean;
  readonly placeholder: string;
  readonly onChange: (text: string) => void;
  readonly onKeyDown: (event: KeyboardEvent) => void;
}) {
  const field = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => {
    if (grows || field.current === null) return;
    field.current.style.height = "auto";
    field.current.style.height = `${field.current.scrollHeight}px`;
  }, [props.value]);
  return (
    <textarea
      ref={field}
      className="growing-text"
      aria-label={props.label}
      rows={1}
      value={props.value}
      disabled={props.disabled}
      placeholder={props.placeholder}
      enterKeyHint="send"
      onChange={({ target }) => props.onChange(target.value)}
      onKeyDown={props.onKeyDown}
    />
  );
}
