import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { messageOf, Problem } from '#base/problem'
import type { DataFile } from '#drift'
import type { TrainingData } from '#monitoring'
import type { TrainingRows } from '#protocols/api/training-rows'
import type { Analytics } from '#stores/analytics/duckdb/index'

/** The same rows each time: who sees a difference finds it again. */
const SEED = 1
const NAMED_MAX = 3

/**
 * Gives rows of what a version was trained on, as lineage knows it, with the columns that the version takes: a Parquet
 * file that tells of what they are.
 */
export function trainingRows({
  trainingData,
  analytics,
}: {
  trainingData: TrainingData
  analytics: Pick<Analytics, 'columnNames' | 'writeRows'>
}): TrainingRows {
  return {
    of: async (model, version, rowsMax) => {
      const trained = await trainingData.find(model, version)
      if (trained.state === 'unknown') throw new Problem('not-found', trained.reason)
      const { inputs: columns } = trained
      if (columns.length === 0 || columns.includes(''))
        throw new Problem('not-found', `${model}/${version} has no signature of columns`)
      const files = await withColumns(analytics, trained.files, columns)
      if (files.length === 0)
        throw new Problem(
          'not-found',
          `nothing that the training of ${model}/${version} read has all of its columns ${columns.join(', ')}`,
        )
      const folder = await mkdtemp(join(tmpdir(), 'orrery-rows-'))
      try {
        const file = join(folder, 'rows.parquet')
        const request = { files, columns, rowsMax, seed: SEED, called: called(files) }
        await readable(files, () => analytics.writeRows(file, request))
        return await readFile(file)
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
    },
  }
}

/** The files that hold them all; of several formats those of the first. */
async function withColumns(
  { columnNames }: Pick<Analytics, 'columnNames'>,
  files: readonly DataFile[],
  columns: readonly string[],
): Promise<DataFile[]> {
  const whole: DataFile[] = []
  for (const file of files) {
    const there = new Set(await readable([file], () => columnNames(file)))
    if (columns.every((column) => there.has(column))) whole.push(file)
  }
  return whole.filter(({ name }) => formatOf(name) === formatOf(whole[0]?.name ?? ''))
}

async function readable<T>(files: readonly DataFile[], work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Problem) throw error
    throw new Problem('invalid', `${called(files)} cannot be read: ${messageOf(error)}`)
  }
}

function formatOf(file: string): string {
  return extname(file.replace(/\.gz$/, '')).toLowerCase()
}

function called(files: readonly DataFile[]): string {
  const names = files.slice(0, NAMED_MAX).map(({ name }) => name)
  const more = files.length - names.length
  return names.join(', ') + (more > 0 ? ` and ${more} more files` : '')
}
