import { resolve } from 'node:path'
import { Problem } from '#base/problem'
import { PROFILE_MARK, printProfile, tableProfile } from '#drift'
import { saveDriftProfile, withDriftEngine } from '#app/monitoring/drift-files'
import { versionFrom, withTables } from '../tables/open.ts'
import { showShare } from '../tables/share.ts'
import { counted } from '../tables/text.ts'
import { spansOf } from './spans.ts'

export interface ProfileFlags {
  readonly path: string
  readonly drift: string
  readonly rev?: string | undefined
  readonly tableVersion?: number | undefined
  readonly asOf?: string | undefined
  readonly column?: readonly string[] | undefined
  readonly by?: string | undefined
  readonly window?: string | undefined
  readonly quiet?: boolean | undefined
  readonly json?: boolean
}

/** Keeps in a file what `orrery drift` compares with, so that the data need not be read again, nor be there. */
export async function writeDriftProfile(flags: ProfileFlags): Promise<void> {
  if (!flags.drift.endsWith('.json'))
    throw new Problem(
      'invalid',
      `${flags.drift} is to be a .json file, so that it is found as a profile`,
    )
  const spans = spansOf(flags)
  const progress = showShare('Profiling', flags)
  const table = await withTables(flags.path, (tables, path) => tables.at(path, versionFrom(flags)))
  const profile = await withDriftEngine((engine) =>
    engine.single(table, (reader) => {
      const names = reader.columns.map(({ name }) => name)
      const absent = (flags.column ?? []).filter((column) => !names.includes(column))
      if (absent.length > 0)
        throw new Problem(
          'not-found',
          `${table.name} has no column ${absent.join(', ')}; it has ${names.join(', ')}`,
        )
      const columns = flags.column ?? names.filter((name) => name !== spans?.column)
      let done = 0
      const onRead = (count: number) => {
        done += count
        progress.at(Math.min(1, done / Math.max(1, columns.length * reader.rows)))
      }
      return tableProfile(reader, { columns, spans, onRead })
    }),
  ).finally(progress.end)
  const text = printProfile(profile)
  if (!text.startsWith(PROFILE_MARK)) throw new Error('a profile begins with its mark')
  saveDriftProfile(resolve(flags.drift), text)
  const columns = Object.keys(profile.columns).length
  if (flags.json === true)
    process.stdout.write(`${JSON.stringify({ file: flags.drift, rows: profile.rows, columns })}\n`)
  else
    process.stdout.write(
      `${flags.drift}: ${counted(profile.rows, 'row')}, ${counted(columns, 'column')}; compare with it by \`orrery drift ${flags.drift} DATA\`\n`,
    )
}
