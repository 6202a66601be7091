import { refusal } from "./refusals.ts";

/** A name that people will read in lists and terminals: no control or direction characters, at most 80. */
export function visibleName(name: string): string {
  const visible = name.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, "").trim();
  if (visible === "") throw refusal("bad_name");
  return Array.from(visible).slice(0, 80).join("").trim();
}
