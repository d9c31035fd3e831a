import { moveHome, type MovedHome } from '#app/home/move-home'
import { Problem } from '#base/problem'
import { command } from '../command.ts'
import { shortTime, showProgress } from '../progress.ts'
import { print, tableLines } from '../table.ts'

export const migrate = command({
  command: 'migrate',
  describe: 'Move everything that a home keeps in a database to another one',
  builder: (argv) =>
    argv
      .option('to', {
        type: 'string',
        demandOption: true,
        describe:
          'postgres://user:password@host:port/database, or sqlite: for the file in the home',
      })
      .option('from', {
        type: 'string',
        describe: 'postgres:// URL or sqlite:FILE to move from, where it is not what the home uses',
      })
      .option('home', { type: 'string', describe: 'Home of the server, which must be stopped' })
      .option('dry-run', {
        type: 'boolean',
        default: false,
        describe: 'Look whether everything would fit; change nothing',
      })
      .option('quiet', { type: 'boolean', default: false, describe: 'Show no progress' })
      .example('$0 migrate --to postgres://orrery:secret@db.example.org/orrery', 'to PostgreSQL')
      .example('$0 migrate --to sqlite:', 'and back to the file in the home')
      .epilogue(
        'The home uses the new database only once every row was copied and compared: counts and digests of each ' +
          'table, and the ledger against its signed heads. Until then nothing of the old one changes, and afterwards it ' +
          'is kept, marked so that no server starts on it. Cut off anywhere, the same command goes on. ' +
          'Artifacts, predictions and keys stay where they are.',
      ),
  handler: async (flags) => {
    const [to, from] = [only(flags.to, 'to'), only(flags.from, 'from')]
    const moved = await moveHome(
      {
        to: to ?? '',
        from,
        home: only(flags.home, 'home'),
        how: flags.dryRun ? 'only look' : 'move',
      },
      (what, total) => {
        const progress = showProgress(what, flags)
        if (total !== undefined) progress.expect(total)
        return progress
      },
    )
    print(flags.json, { value: valueOf(moved), lines: linesOf(moved) })
  },
})

function only(value: unknown, flag: string): string | undefined {
  if (value === undefined || (typeof value === 'string' && value !== '')) return value
  throw new Problem('invalid', `give --${flag} once, with a value`)
}

function valueOf({ store, home, seconds, notes }: MovedHome) {
  if (store.end === 'finished') return { ...store, home, notes }
  const { contents, ...rest } = store
  return { ...rest, home, rows: rowsOf(store.contents), tables: contents, seconds, notes }
}

function rowsOf(contents: readonly { rows: number }[]): number {
  return contents.reduce((sum, { rows }) => sum + rows, 0)
}

function linesOf({ store, home, seconds, notes }: MovedHome): string[] {
  if (store.end === 'finished')
    return [`The move from ${store.from} was finished: ${home} uses ${store.to}.`, ...notes]
  const rows = rowsOf(store.contents)
  const filled = store.contents.filter((content) => content.rows > 0)
  const table = tableLines(
    ['TABLE', 'ROWS', 'SHA-256'],
    filled.map((content) => [content.table, String(content.rows), content.digest.slice(0, 16)]),
  )
  const ledger = `ledger: ${store.ledger.entries} entries, head ${store.ledger.head}`
  if (store.end === 'looked at')
    return [
      ...table,
      `${rows} rows of ${store.contents.length} tables can be moved from ${store.from} to ${store.to}; nothing was changed.`,
      ledger,
    ]
  return [
    ...table,
    `Moved ${rows} rows of ${store.contents.length} tables in ${shortTime(seconds)}; counts and digests are equal (all: ${store.digest.slice(0, 16)}).`,
    `${ledger}, recomputed and equal`,
    `${home} now uses ${store.to}.`,
    `${store.from} is kept as it was, marked as moved.`,
    ...(store.setAside === undefined ? [] : [`What was there before is now ${store.setAside}.`]),
    ...notes,
  ]
}
