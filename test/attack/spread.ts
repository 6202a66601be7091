/** The two figures that are printed of many measurements, in milliseconds with one decimal. */
export function spread(times: readonly number[]): { medianMs: number; worstMs: number } {
  const sorted = times.toSorted((left, right) => left - right);
  const at = (index: number): number => Math.round((sorted[index] ?? NaN) * 10) / 10;
  return { medianMs: at(Math.floor(sorted.length / 2)), worstMs: at(sorted.length - 1) };
}
