import { join } from 'node:path'
import type { ObjectStore } from '#objects'
import type { SegmentFiles, SegmentFilter, SegmentRow } from '#serving'
import type { Connection } from './database.ts'

export interface SegmentReader {
  /** Rows of an endpoint's finished segments, up to the batch `sealedSeq`. */
  rows(endpoint: number, sealedSeq: number, filter: SegmentFilter): Promise<SegmentRow[]>
}

/** Reads segments where they lie: each object is made a file once, under its digest. */
export function segmentReader(
  connection: Connection,
  { objects, files, folder }: { objects: ObjectStore; files: SegmentFiles; folder: string },
): SegmentReader {
  const placed = new Map<string, Promise<string>>()
  const select = connection
    .prepare(
      `select digest from segments where endpoint = ? and kind = 'predictions' and last_seq <= ? and state = 'finished'
       and to_ms >= ? and from_ms < ? order by first_seq`,
    )
    .pluck()

  const place = (digest: string) => {
    const known = placed.get(digest)
    if (known !== undefined) return known
    const path = join(folder, `${digest}.parquet`)
    const placing = objects.place(digest, path).then(() => path)
    placed.set(digest, placing)
    placing.catch(() => placed.delete(digest))
    return placing
  }

  return {
    rows: async (endpoint, sealedSeq, filter) => {
      if (sealedSeq === 0) return []
      const digests = select.all(endpoint, sealedSeq, filter.fromMs, filter.toMs) as string[]
      if (digests.length === 0) return []
      return files.readPredictions(await Promise.all(digests.map(place)), filter)
    },
  }
}
