const paths = {
  plus: "M12 5v14M5 12h14",
  back: "M15 5l-7 7 7 7",
  check: "M5 12.5l4.5 4.500L19 7.5",
  cross: "M6 6l12 12M18 6L6 18",
  stop: "M7 7h10v10H7z",
  send: "M12 19V5M6 11l6-6 6 6",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  folder:
    "M3.5 7a2 2 0 0 1 2-2h3.800l2 2.500h7.200a2 2 0 0 1 2 2V17a2 2 0 0 1-2 2h-13a2 2 0 0 1-2-2z",
  up: "M12 19V5M5 12l7-7 7 7",
  down: "M12 5v14M5 12l7 7 7-7",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM20 20l-4-4",
  copy: "M9 9h10v11H9zM5 15V4h10",
  alert:
    "M12 8.500v4.500M12 16.500v.01M10.3 4.200L2.9 17a2 2 0 0 0 1.7 3h14.800a2 2 0 0 0 1.7-3L13.7 4.200a2 2 0 0 0-3.4 0z",
  clock: "M12 7v5l3 2M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z",
  file: "M6 3h8l4 4v14H6zM14 3v4h4",
  terminal: "M4 6l6 6-6 6M12 18h8",
  circle: "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16z",
  archive: "M4 8h16v12H4zM3 4h18v4H3zM10 12h4",
  device: "M8 3h8a1 1 0 0 1 1 1v16a1 1 0 0 1-1 1H8a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1zM11 18h2",
  pencil: "M4 20l1-4L16 5l3 3L8 19z",
} as const;

export type IconName = keyof typeof paths;

/** Decoration: what it means stands beside it as text, or in the label of its button. */
export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg
      className={name === "more" ? "icon icon-dots" : "icon"}
      viewBox="0 0 24 24"
      aria-hidden="true"
      focusable="false"
    >
      <path d={paths[name]} />
    </svg>
  );
}
