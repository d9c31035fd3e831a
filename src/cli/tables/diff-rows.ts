import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Problem } from '#base/problem'
import type { TableVersion } from '#tables'
import { differenceLines } from './difference-lines.ts'
import { withTables } from './open.ts'
import { showShare } from './share.ts'

export interface DiffRowsFlags {
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly path?: string | undefined
  readonly key?: readonly string[] | undefined
  readonly out?: string | undefined
  readonly examples: number
  readonly quiet?: boolean | undefined
  readonly json?: boolean
}

/** `orrery diff --rows [a] [b] PATH`: the rows of a table that two of its versions do not share. */
export async function diffRows(flags: DiffRowsFlags): Promise<void> {
  const words = [flags.from, flags.to, flags.path].filter((word) => word !== undefined)
  const written = words.pop()
  if (written === undefined)
    throw new Problem(
      'invalid',
      'name the table whose rows are compared: orrery diff --rows [a] [b] PATH --key id',
    )
  if (!Number.isSafeInteger(flags.examples) || flags.examples < 0 || flags.examples > 1000)
    throw new Problem('invalid', '--examples takes a whole number from 0 to 1000')
  const keys = (flags.key ?? []).flatMap((each) => each.split(',')).filter((each) => each !== '')
  if (flags.key !== undefined && keys.length === 0)
    throw new Problem(
      'invalid',
      '--key names no column; give some, or leave it away to compare whole rows',
    )
  const [from = 'HEAD', to] = words
  await withTables(written, async (tables, path) => {
    const old = await tables.at(path, versionOf(from, written))
    const current = await tables.at(path, to === undefined ? {} : versionOf(to, written))
    const progress = showShare('Comparing', flags)
    const found = await tables
      .difference(
        { old, new: current },
        {
          keys,
          examples: flags.examples,
          out: flags.out === undefined ? undefined : resolve(flags.out),
          onProgress: progress.at,
        },
      )
      .finally(progress.end)
    if (flags.json === true) process.stdout.write(`${JSON.stringify(found)}\n`)
    else process.stdout.write(`${differenceLines(found, flags.out).join('\n')}\n`)
  })
}

/** A number is a version of a table that has its own; anything else is a revision of the project. */
function versionOf(word: string, written: string): TableVersion {
  const isOwn = /^\d{1,9}$/.test(word) && existsSync(join(written, '_delta_log'))
  return isOwn ? { version: Number(word) } : { rev: word }
}
