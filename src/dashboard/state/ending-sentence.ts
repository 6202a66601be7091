import type { HostView } from "./host-view.ts";

export function endingSentence({ what, endsAtMs }: NonNullable<HostView["ending"]>): string {
  const time = new Date(endsAtMs).toLocaleTimeString([], { hour: "numeric", minute: "2-digit" });
  return what === "role"
    ? `Until ${time} this browser may do more than usual; then its earlier role comes back.`
    : `This browser's access ends at ${time}. An admin can prolong it.`;
}
