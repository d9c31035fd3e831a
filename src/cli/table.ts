/** Rows in columns as wide as their widest cell; the last one is as it is. */
export function tableLines(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
): string[] {
  const widths = heads.map((head, at) =>
    Math.max(head.length, ...rows.map((row) => row[at]?.length ?? 0)),
  )
  return [heads, ...rows].map((row) =>
    row
      .map((cell, at) => (at === row.length - 1 ? cell : cell.padEnd(widths[at] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
}

/** A value as a table shows it: numbers short, what is missing as a dash. */
export function cellOf(value: string | number | null | undefined): string {
  if (value === null || value === undefined || value === '') return '-'
  return typeof value === 'number' && !Number.isInteger(value)
    ? String(Number(value.toPrecision(6)))
    : String(value)
}

/** A moment to the second. */
export function timeOf(value: string | number | null | undefined): string {
  return value === null || value === undefined || value === ''
    ? '-'
    : new Date(value).toISOString().slice(0, 19)
}

/** Prints JSON, or lines for people. */
export function print(
  asJson: boolean | undefined,
  shown: { value: unknown; lines: readonly string[] },
): void {
  process.stdout.write(
    asJson === true ? `${JSON.stringify(shown.value)}\n` : `${shown.lines.join('\n')}\n`,
  )
}
