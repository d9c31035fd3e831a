import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Content } from '#data'
import type { RunCache, StageLock } from '#stages'
import { replaceFile } from './atomic.ts'

/** How runs are named and written: DVC's way, which the protocol knows. */
export interface RunFormat {
  key(run: StageLock): string
  value(run: StageLock): string
  print(run: StageLock): string
  /** Undefined for a text that is no run. */
  read(text: string): StageLock | undefined
}

/** Whether it is the run that the name `runs/<2 hex>/<key>/<value>` says. */
export function isRunNamed(
  format: Pick<RunFormat, 'key' | 'value'>,
  run: StageLock,
  name: string,
): boolean {
  const [key, value] = name.split('/').slice(-2)
  return format.key(run) === key && format.value(run) === value
}

/** What a run brought forth. */
export function outsOfRun({ outs }: StageLock): (Content & { path: string })[] {
  return outs.flatMap(({ path, content }) => (content === undefined ? [] : [{ ...content, path }]))
}

/** Runs in the cache's folder `runs`, shared with dvc. */
export function openRunCache(folder: string, format: RunFormat): RunCache {
  const folderOf = (key: string) => join(folder, 'runs', key.slice(0, 2), key)
  return {
    find: async (wanted) => {
      const place = folderOf(format.key(wanted))
      if (!existsSync(place)) return undefined
      const entries = readdirSync(place)
        .filter((name) => !name.startsWith('.'))
        .map((name) => ({ path: join(place, name), atMs: statSync(join(place, name)).mtimeMs }))
        .toSorted((one, other) => other.atMs - one.atMs)
      const newest = entries[0]
      if (newest === undefined) return undefined
      const run = format.read(readFileSync(newest.path, 'utf8'))
      if (run === undefined) rmSync(newest.path, { force: true })
      return run
    },
    save: async (run) => {
      const path = join(folderOf(format.key(run)), format.value(run))
      if (existsSync(path)) return
      // Torn by a power failure it is no run any more, and is taken away by whoever reads it, dvc too.
      mkdirSync(dirname(path), { recursive: true })
      replaceFile(path, format.print(run))
    },
  }
}
