import { Problem } from '#base/problem'
import { syncedIn } from './codec.ts'
import { nextRecord, recordAt } from './records.ts'

/** A whole record in the bytes of a file. */
export interface Scanned {
  readonly payload: Buffer
  readonly at: number
  readonly end: number
}

/** All records of a file from an offset on, and where they end. What may be missing behind that is not judged. */
export function scan(bytes: Buffer, from: number): { records: Scanned[]; end: number } {
  const records: Scanned[] = []
  let at = from
  for (;;) {
    const record = recordAt(bytes, at)
    if (record.is !== 'whole') return { records, end: at }
    records.push({ payload: record.payload, at, end: record.end })
    at = record.end
  }
}

/**
 * Whether what begins at `end` is the torn tail of a crash, which nobody was told is safe. Throws when the
 * disk had it whole before: that is damage, and nothing may pretend that it was never there.
 */
export function checkTail(path: string, bytes: Buffer, end: number): void {
  const synced = syncedUpTo(bytes, end)
  if (synced <= end) return
  const behind = nextRecord(bytes, end + 1)
  throw new Problem(
    'conflict',
    `${path} is damaged at byte ${end}: ${synced} bytes of it were safely on the disk once${behind === undefined ? '' : `, and whole records follow from byte ${behind} on`}; restore the file from a backup, or move it elsewhere to go on without the predictions that it holds from there`,
    { path, offset: end },
  )
}

/** The end of what the file itself says was on the disk, by the marks before and behind a place that cannot be read. */
function syncedUpTo(bytes: Buffer, end: number): number {
  let synced = 0
  let from: number | undefined = 0
  while (from !== undefined) {
    const { records, end: stop } = scan(bytes, from)
    for (const { payload } of records) synced = Math.max(synced, syncedIn(payload) ?? 0)
    from = nextRecord(bytes, Math.max(stop, end) + 1)
  }
  return synced
}
