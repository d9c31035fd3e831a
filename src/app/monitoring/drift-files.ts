import { mkdirSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeWhole } from '#stores/dvc/atomic'
import { openDriftEngine, type DriftEngine } from '#stores/analytics/duckdb/drift/index'

/** Opens what compares files, and closes it after `use`. */
export async function withDriftEngine<T>(use: (engine: DriftEngine) => Promise<T>): Promise<T> {
  const spillFolder = join(tmpdir(), 'orrery-spill')
  mkdirSync(spillFolder, { recursive: true })
  const engine = openDriftEngine({
    memoryMb: MEMORY_MB,
    threads: Math.min(THREADS_MAX, availableParallelism()),
    spillFolder,
  })
  try {
    return await use(engine)
  } finally {
    await engine.close()
  }
}

/** What a scan needs, and no more: what is compared is held outside of the engine. */
const MEMORY_MB = 384

/** Every thread holds pages of each column that is read. */
const THREADS_MAX = 4

/** Keeps a profile in a file, whole or not at all. */
export function saveDriftProfile(path: string, text: string): void {
  writeWhole(path, text)
}
