//! Figures as text: medians, kilobytes and columns.

/** The middle of `values`, or the mean of the two in the middle. */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2;
}

/** The value at a share of `values` in order, between 0 and 1. */
export function percentile(values, share) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

/** Median, least and most in whole units. */
export function spread(values) {
  return `${median(values).toFixed(0)} (${Math.min(...values).toFixed(0)} – ${Math.max(...values).toFixed(0)})`;
}

/** Bytes in units of 1,000. */
export function kilo(bytes) {
  return (bytes / 1000).toFixed(1);
}

/** A share of one as a percentage. */
export function percent(share) {
  return `${(100 * share).toFixed(2)} %`;
}

/** Prints rows of texts: the first column to the left, the others to the right. */
export function table(rows) {
  const widths = rows[0].map((_, at) => Math.max(...rows.map(row => row[at].length)));
  const cell = (text, at) => (at === 0 ? text.padEnd(widths[at]) : text.padStart(widths[at]));
  for (const row of rows) console.log(`  ${row.map(cell).join("  ")}`.trimEnd());
}
