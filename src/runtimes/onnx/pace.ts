/** A run of joined calls takes about so long at most: whoever comes meanwhile waits for all of it. */
const RUN_MS = 25

/** More rows in one run gain nothing. */
const ROWS_MAX = 1024

/** A run that takes so many times as long as is usual hangs. */
const HANGING = 10

/** How much the newest run counts. */
const NEWEST = 0.2

/** The quickest run is forgotten so slowly, a part with each run. */
const FORGOTTEN = 0.05

interface Pace {
  runMs: number
  rowMs: number
  /** The same, of the quickest runs: one that the machine held up says nothing of those to come. */
  leastRowMs: number
}

/** How fast models are, learned from their runs: how many rows are run together, and how long what waits will take. */
export function createPaces() {
  const paces = new Map<string, Pace>()
  const usualMs = (key: string, rows: number): number | undefined => {
    const pace = paces.get(key)
    return pace === undefined ? undefined : Math.max(pace.runMs, rows * pace.rowMs)
  }
  return {
    note: (key: string, rows: number, tookMs: number): void => {
      const rowMs = tookMs / Math.max(1, rows)
      const pace = paces.get(key)
      if (pace === undefined) paces.set(key, { runMs: tookMs, rowMs, leastRowMs: rowMs })
      else {
        pace.runMs += NEWEST * (tookMs - pace.runMs)
        pace.rowMs += NEWEST * (rowMs - pace.rowMs)
        pace.leastRowMs = Math.min(rowMs, (1 + FORGOTTEN) * pace.leastRowMs)
      }
    },
    /** As many rows as are run in a short while; all of them while nothing is known. */
    rowsMax: (key: string): number => {
      const pace = paces.get(key)
      if (pace === undefined || pace.rowMs === 0) return ROWS_MAX
      return Math.min(ROWS_MAX, Math.max(1, Math.floor(RUN_MS / pace.rowMs)))
    },
    /** How long these rows would wait at least, if all goes well. */
    waitMs: (key: string, rows: number): number => rows * (paces.get(key)?.leastRowMs ?? 0),
    /** Whether a run of these rows takes far longer than those before; never before there was one. */
    hangs: (key: string, rows: number, sinceMs: number): boolean =>
      sinceMs > HANGING * (usualMs(key, rows) ?? Infinity),
  }
}
