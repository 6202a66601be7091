/** The mark: a helm's wheel. */
export function Wheel() {
  return (
    <svg className="wheel" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <circle cx="16" cy="16" r="8" />
      <circle className="wheel-hub" cx="16" cy="16" r="2.2" />
      <path d="M16 2.5v9M16 20.5v9M2.5 16h9M20.5 16h9M6.45 6.45l6.4 6.4M19.15 19.15l6.4 6.4M25.55 6.45l-6.4 6.4M12.85 19.15l-6.4 6.4" />
    </svg>
  );
}
