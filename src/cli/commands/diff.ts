import { command } from '../command.ts'

export const diff = command({
  command: 'diff [from] [to] [path]',
  describe: 'Show which data was added, changed, moved and removed between two commits',
  builder: (argv) =>
    argv
      .positional('from', { type: 'string', describe: 'Commit to compare with (default: HEAD)' })
      .positional('to', { type: 'string', describe: 'Commit (default: the workspace)' })
      .positional('path', { type: 'string', describe: 'With --rows: the table' })
      .option('rows', {
        type: 'boolean',
        default: false,
        describe: 'Show which rows of one table differ; its path comes last',
      })
      .option('key', {
        type: 'string',
        array: true,
        describe: 'With --rows: columns that say which row is which, such as id or id,day',
      })
      .option('out', {
        type: 'string',
        describe: 'With --rows: write all rows that differ to this Parquet file',
      })
      .option('examples', {
        type: 'number',
        default: 5,
        describe: 'With --rows: rows of each kind that are shown',
      })
      .option('quiet', { alias: 'q', type: 'boolean', default: false, describe: 'No progress' })
      .option('targets', { type: 'string', array: true, describe: 'Only this data' })
      .option('show-hash', { type: 'boolean', default: false, describe: 'Show hashes' })
      .option('hide-missing', {
        type: 'boolean',
        default: false,
        describe: 'Leave out what the cache lacks',
      })
      .option('md', { type: 'boolean', default: false, describe: 'Print a table in Markdown' })
      .example('$0 diff v1 v2', 'what changed between two tags')
      .example('$0 diff', 'what changed since the last commit')
      .example('$0 diff --rows v1 data/people.parquet --key id', 'which rows changed since v1'),
  handler: async (flags) => {
    if (flags.rows) return (await import('../tables/diff-rows.ts')).diffRows(flags)
    const { calledIn, say } = await import('../workspace.ts')
    const { diffJson, diffLines, diffTable } = await import('#protocols/dvc/diff')
    const here = calledIn()
    const found = await here.data.diff({
      ...(flags.from === undefined ? {} : { from: flags.from }),
      ...(flags.to === undefined ? {} : { to: flags.to }),
      targets: here.targets(flags.targets),
    })
    const json = diffJson(found, {
      hashes: flags.showHash,
      missing: !flags.hideMissing && flags.to === undefined,
    })
    say(flags, json, flags.md ? diffTable(json) : diffLines(json))
  },
})
