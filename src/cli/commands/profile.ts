import { command } from '../command.ts'

export const profile = command({
  command: 'profile <path>',
  describe: 'Show what a table holds: types, gaps, ranges, quantiles, histograms, frequent values',
  builder: (argv) =>
    argv
      .positional('path', {
        type: 'string',
        demandOption: true,
        describe: 'A Parquet, CSV or JSON file, a folder of them, or a Delta table',
      })
      .option('rev', { type: 'string', describe: 'As it was at a commit, a branch or a tag' })
      .option('table-version', { type: 'number', describe: 'The version of a Delta table' })
      .option('as-of', { type: 'string', describe: 'The version a Delta table had at that time' })
      .option('column', {
        type: 'string',
        array: true,
        describe: 'Only these columns; may be given again',
      })
      .option('drift', {
        type: 'string',
        describe: 'Write to this .json file what `orrery drift` compares with, instead of showing',
      })
      .option('by', {
        type: 'string',
        describe: 'With --drift: learn from this time column what is ordinary between windows',
      })
      .option('window', { type: 'string', describe: 'With --by: their length (default: 1d)' })
      .option('again', {
        type: 'boolean',
        default: false,
        describe: 'Make it anew, also where one is kept',
      })
      .option('quiet', { alias: 'q', type: 'boolean', default: false, describe: 'No progress' }),
  handler: async (flags) => {
    if (flags.drift !== undefined) {
      const { writeDriftProfile } = await import('../drift/profile.ts')
      return writeDriftProfile({ ...flags, drift: flags.drift })
    }
    const { withTables, versionFrom } = await import('../tables/open.ts')
    const { profileLines } = await import('../tables/profile-lines.ts')
    const { showShare } = await import('../tables/share.ts')
    await withTables(flags.path, async (tables, path) => {
      const table = await tables.at(path, versionFrom(flags))
      const progress = showShare('Profiling', flags)
      const { profile: found, isKept } = await tables
        .profile(table, { onProgress: progress.at, again: flags.again })
        .finally(progress.end)
      const columns = chosen(found.columns, flags.column)
      if (flags.json === true) {
        const { digest = null, name } = table
        process.stdout.write(
          `${JSON.stringify({ table: name, digest, isKept, ...found, columns })}\n`,
        )
        return
      }
      const lines = profileLines(table.name, found, columns)
      process.stdout.write(`${lines.join('\n')}\n`)
    })
  },
})

function chosen<T extends { name: string }>(
  columns: readonly T[],
  wanted: readonly string[] | undefined,
): readonly T[] {
  if (wanted === undefined) return columns
  return columns.filter(({ name }) =>
    wanted.some((each) => name === each || name.startsWith(`${each}.`)),
  )
}
