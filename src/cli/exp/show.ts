import type { Argv } from 'yargs'
import type { ExperimentTable, ShownRow } from '#protocols/dvc/experiment-show'
import { command } from '../command.ts'
import { baselineFlags } from './keep.ts'

/** Of which commits experiments are shown. */
function revisionFlags(argv: Argv) {
  return baselineFlags(argv)
    .option('all-branches', {
      alias: 'a',
      type: 'boolean',
      default: false,
      describe: 'Those of all branches',
    })
    .option('all-tags', {
      alias: 'T',
      type: 'boolean',
      default: false,
      describe: 'Those of all tags',
    })
}

function flagsOf(argv: Argv) {
  return revisionFlags(argv)
    .option('csv', { type: 'boolean', default: false, describe: 'Print CSV, as dvc does' })
    .option('md', { type: 'boolean', default: false, describe: 'Print a table in Markdown' })
    .option('keep', {
      type: 'string',
      describe: 'Columns to show whatever else hides them (a pattern)',
    })
    .option('drop', { type: 'string', describe: 'Columns to leave out (a pattern)' })
    .option('only-changed', {
      type: 'boolean',
      default: false,
      describe: 'Only columns that differ',
    })
    .option('param-deps', {
      type: 'boolean',
      default: false,
      describe: 'Only parameters that stages depend on',
    })
    .option('sort-by', { type: 'string', describe: 'A metric or parameter' })
    .option('sort-order', {
      choices: ['asc', 'desc'] as const,
      default: 'asc' as const,
      describe: 'From the smallest, or from the largest',
    })
    .option('hide-workspace', {
      type: 'boolean',
      default: false,
      describe: 'Leave out this folder',
    })
    .option('hide-queued', {
      type: 'boolean',
      default: false,
      describe: 'Leave out those that wait',
    })
    .option('hide-failed', {
      type: 'boolean',
      default: false,
      describe: 'Leave out those that failed',
    })
    .option('sha', { type: 'boolean', default: false, describe: 'Show commits instead of names' })
    .option('precision', { type: 'number', describe: 'Significant digits of figures' })
    .option('no-pager', { type: 'boolean', hidden: true })
    .parserConfiguration({ 'boolean-negation': false })
}

export const show = command({
  command: 'show',
  describe: 'Show experiments with their metrics and parameters',
  builder: flagsOf,
  handler: async (flags) => {
    const { withExperiments } = await import('./open.ts')
    const table = await import('#protocols/dvc/experiment-show')
    const [keep, drop] = [await patternOf(flags.keep), await patternOf(flags.drop)]
    const digits = await digitsOf(flags.precision)
    await withExperiments(async ({ experiments }) => {
      const shown = await experiments.show(
        {
          revs: flags.rev ?? [],
          last: flags.num,
          branches: flags.allBranches,
          tags: flags.allTags,
          commits: flags.allCommits,
        },
        {
          hideWorkspace: flags.hideWorkspace,
          hideQueued: flags.hideQueued,
          hideFailed: flags.hideFailed,
          stagesOnly: flags.paramDeps,
        },
      )
      if (flags.json === true) return print([JSON.stringify(table.experimentsJson(shown))])
      const sortBy = flags['sort-by']
      if (sortBy !== undefined && !table.hasColumn(shown, sortBy)) throw await noColumn(sortBy)
      const whole = table.experimentTable(shown, {
        ...(keep === undefined ? {} : { keep }),
        ...(drop === undefined ? {} : { drop }),
        ...(sortBy === undefined ? {} : { sortBy }),
        onlyChanged: flags.onlyChanged,
        descending: flags['sort-order'] === 'desc',
      })
      const how = digits === undefined ? {} : { digits }
      if (flags.csv) return print(table.experimentCsv(whole, how))
      const isTerminal = process.stdout.isTTY && !flags.md
      const lines = await tableOf(whole, { digits: digits ?? 5, sha: flags.sha, deps: !isTerminal })
      const { tableText } = await import('#protocols/dvc/figures')
      if (flags.md) return print(tableText(lines, { markdown: true }))
      const { tableLines } = await import('../table.ts')
      print(tableLines(lines.heads, lines.rows))
      for (const { look } of whole.rows)
        if (look.error !== null)
          process.stderr.write(
            `${look.name ?? look.rev.slice(0, 9)} cannot be read: ${look.error}\n`,
          )
    })
  },
})

function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`)
}

/** On a terminal, hashes of dependencies are shown only where they differ, and short. */
async function tableOf(
  { columns, rows }: ExperimentTable,
  how: { digits: number; sha: boolean; deps: boolean },
): Promise<{ heads: string[]; rows: string[][] }> {
  const { cellText } = await import('#protocols/dvc/experiment-show')
  const { timeOf } = await import('../table.ts')
  const differs = (head: string) =>
    new Set(rows.map(({ values }) => cellText(values.get(head), {}))).size > 1
  const kept = columns.filter(({ kind, head }) => kind !== 'dep' || how.deps || differs(head))
  const hasStates = rows.some(({ experiment }) => experiment?.isQueued === true)
  return {
    heads: [
      'Experiment',
      'Created',
      ...(hasStates ? ['State'] : []),
      ...kept.map(({ head }) => head),
    ],
    rows: rows.map((row) => [
      nameOf(row, how.sha),
      row.look.atMs === null ? '-' : timeOf(row.look.atMs),
      ...(hasStates ? [row.experiment?.isQueued === true ? row.experiment.state : '-'] : []),
      ...kept.map(({ kind, head }) => {
        const cell = cellText(row.values.get(head), { digits: how.digits })
        return cell === '' ? '-' : kind === 'dep' ? cell.slice(0, 7) : cell
      }),
    ]),
  }
}

function nameOf({ look, experiment, isLast }: ShownRow, sha: boolean): string {
  const commit = look.rev === 'workspace' ? look.rev : look.rev.slice(0, 7)
  if (experiment === undefined) return sha ? commit : (look.name ?? commit)
  const branch = isLast ? '└── ' : '├── '
  return branch + (sha ? commit : `${commit} [${experiment.name}]`)
}

async function patternOf(text: string | undefined): Promise<RegExp | undefined> {
  if (text === undefined) return undefined
  try {
    return new RegExp(`^(?:${text})`)
  } catch {
    const { Problem } = await import('#base/problem')
    throw new Problem('invalid', `${text} is no pattern; write for example "train\\..*"`)
  }
}

async function digitsOf(precision: number | undefined): Promise<number | undefined> {
  if (precision === undefined) return undefined
  if (Number.isInteger(precision) && precision >= 1 && precision <= 17) return precision
  const { Problem } = await import('#base/problem')
  throw new Problem('invalid', `--precision ${precision} must be a whole number from 1 to 17`)
}

async function noColumn(word: string): Promise<Error> {
  const { Problem } = await import('#base/problem')
  return new Problem(
    'not-found',
    `no experiment has a metric or parameter ${word}; \`orrery exp show --csv\` names the columns`,
  )
}
