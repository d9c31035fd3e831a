import { glob, readdir, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Problem } from '#base/problem'
import { formatOf, type TableFormat } from '#stores/analytics/duckdb/tables/index'

/** A file of the input, as it was when the work began. */
export interface InputFile {
  readonly path: string
  readonly sizeBytes: number
  readonly changedMs: number
}

export interface Input {
  readonly files: readonly InputFile[]
  readonly format: TableFormat
}

/** The files that a path, a folder or a pattern means, in order. Throws when there are none, or of several formats. */
export async function inputFiles(written: string): Promise<Input> {
  const paths = (await pathsOf(written)).map((path) => resolve(path)).toSorted()
  const formats = new Set(paths.map(formatOf))
  const [format] = formats
  if (paths.length === 0 || format === undefined)
    throw new Problem(
      'not-found',
      `${written} names no rows; give a file, folder or pattern of .parquet, .csv or .jsonl files`,
    )
  if (formats.size > 1)
    throw new Problem(
      'invalid',
      `${written} holds ${[...formats].join(' and ')} files; give those of one format, such as "${written}/*.parquet"`,
    )
  const files = await Promise.all(
    paths.map(async (path) => {
      const { size, mtimeMs } = await stat(path)
      return { path, sizeBytes: size, changedMs: mtimeMs }
    }),
  )
  return { files, format }
}

async function pathsOf(written: string): Promise<string[]> {
  const there = await stat(written).catch(() => undefined)
  if (there?.isFile() === true) return [written]
  if (there?.isDirectory() === true) {
    const entries = await readdir(written, { recursive: true, withFileTypes: true })
    return entries
      .filter((entry) => entry.isFile() || entry.isSymbolicLink())
      .filter(({ name }) => formatOf(name) !== undefined)
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => !path.includes('.parts/'))
  }
  const found: string[] = []
  for await (const path of glob(written))
    if (formatOf(path) !== undefined && !path.includes('.parts/')) found.push(path)
  return found
}
