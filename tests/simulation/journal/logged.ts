import { join } from 'node:path'
import { pino } from 'pino'
import type { NewBatch, Value } from '#inference'
import { openAnalytics } from '#stores/analytics/duckdb/index'
import { segmentFiles } from '#stores/analytics/duckdb/segments'
import { openJournal, openSource } from '#stores/journal/index'
import { openLocalObjects } from '#stores/objects/local'
import { openPredictionLog, openRecorded } from '#stores/predictions/index'

const logger = pino({ level: 'error' }, pino.destination({ dest: 2, sync: true }))

/** A journal and the log that takes it over, as two processes have them on one home. */
export function journalIn(home: string, options: { fileBytesMax?: number } = {}) {
  const recorded = openRecorded({
    file: join(home, 'predictions.db'),
    sealed: async () => undefined,
  })
  const journal = openJournal({
    folder: join(home, 'journal'),
    ingested: recorded,
    syncMs: 20,
    ...options,
    logger,
  })
  return {
    ...journal,
    close: async () => {
      await journal.close()
      recorded.close()
    },
  }
}

export async function logIn(home: string) {
  const analytics = openAnalytics({ memoryMb: 256, threads: 1 })
  const log = openPredictionLog({
    file: join(home, 'predictions.db'),
    folder: join(home, 'segments'),
    objects: await openLocalObjects(join(home, 'objects')),
    files: segmentFiles(analytics),
    journal: { source: openSource(join(home, 'journal')), logger },
  })
  return {
    ...log,
    close: async () => {
      await log.close()
      await analytics.close()
    },
  }
}

const revision = {
  number: 1,
  role: 'live' as const,
  modelVersion: 'late/1',
  outputs: [{ name: 'score', type: 'float64' as const }],
}

/** A batch of which everything follows from its number: what is found of it is either right or not. */
export function batchOf(number: number, rows = 1 + (number % 3)): NewBatch {
  return {
    id: `b${number}`,
    endpoint: number % 5 === 0 ? 'rare' : 'often',
    digest: number % 2 === 0 ? `digest-${number}` : null,
    atMs: 1_000_000 + number,
    latencyMs: 0.5,
    columns: ['number', 'text'],
    rows: Array.from({ length: rows }, (_, row) => ({
      eventMs: 1_000_000 + number,
      key: `k${number}-${row}`,
      inputs: [number, `text ü ${number} ${'x'.repeat(number % 200)}`] as Value[],
    })),
    answers: [{ revision, outputs: [Array.from({ length: rows }, (_, row) => number + row / 8)] }],
  }
}
