import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ObjectName, RunEntries } from '#data'
import { isMissing } from './measure.ts'
import { isRunNamed, outsOfRun, type RunFormat } from './run-cache.ts'

/** All runs that the cache remembers. */
export function openRunEntries(options: {
  folder: string
  format: Pick<RunFormat, 'read' | 'key' | 'value'>
  isThere: (object: ObjectName) => Promise<boolean>
}): RunEntries {
  const { folder, format, isThere } = options
  return {
    async *all() {
      for (const name of runFiles(folder)) {
        const run = format.read(readFileSync(join(folder, name), 'utf8'))
        const outs = run === undefined ? [] : outsOfRun(run)
        let whole = run !== undefined
        for (const { md5, legacy = false } of outs) whole &&= await isThere({ md5, legacy })
        const right = run !== undefined && isRunNamed(format, run, name)
        yield { name, outs, whole, right }
      }
    },
  }
}

/** Their names below the cache's folder. */
export function runFiles(folder: string): string[] {
  return namesIn(join(folder, 'runs'))
    .filter((name) => /^[0-9a-f]{2}$/.test(name))
    .flatMap((prefix) =>
      namesIn(join(folder, 'runs', prefix)).flatMap((key) =>
        namesIn(join(folder, 'runs', prefix, key)).map((value) => `runs/${prefix}/${key}/${value}`),
      ),
    )
    .filter((name) => !name.split('/').at(-1)?.startsWith('.'))
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).toSorted()
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}
