import type { Argv } from 'yargs'
import type { ProjectViews } from '#app/project/views'
import type { Difference, Figures, ProjectView } from '#stages'
import type { CalledIn } from './workspace.ts'

/** Flags of what compares two revisions. */
export function differenceFlags(argv: Argv) {
  return argv
    .positional('a_rev', { type: 'string', default: 'HEAD', describe: 'The old revision' })
    .positional('b_rev', {
      type: 'string',
      default: 'workspace',
      describe: 'The new one; without it the files as they stand',
    })
    .option('targets', { type: 'string', array: true, describe: 'Only these files' })
    .option('all', { type: 'boolean', default: false, describe: 'Show what is the same, too' })
    .option('md', { type: 'boolean', default: false, describe: 'Print a table in Markdown' })
    .option('no-path', { type: 'boolean', default: false, describe: 'Leave out the paths' })
    .parserConfiguration({ 'boolean-negation': false })
}

export interface DifferenceFlags {
  readonly a_rev?: string | undefined
  readonly b_rev?: string | undefined
  readonly targets?: readonly string[] | undefined
  readonly all: boolean
  readonly md: boolean
  readonly noPath: boolean
  readonly precision?: number | undefined
  readonly json?: boolean
}

/** Compares what two views say, and prints it. */
export async function printDifference(
  here: CalledIn,
  flags: DifferenceFlags,
  how: {
    readonly title: string
    readonly changes: boolean
    readonly precision?: number
    readonly gather: (view: ProjectView, targets: readonly string[]) => Promise<Figures>
  },
): Promise<void> {
  const { differences } = await import('#stages')
  const { differencesJson, differencesTable, tableText } = await import('#protocols/dvc/figures')
  const { say } = await import('./workspace.ts')
  const revisions = [flags.a_rev ?? 'HEAD', flags.b_rev ?? 'workspace'] as const
  let found = new Map<string, Map<string, Difference>>()
  await withViews(here, async (views) => {
    if (!(await views.hasCommits())) return
    const targets = (flags.targets ?? []).map((each) => here.path(each))
    const [old, now] = await Promise.all(
      revisions.map(async (word) => how.gather(await views.at(word), targets)),
    )
    warnOf(revisions, [old, now])
    found = differences(old ?? new Map(), now ?? new Map(), { unchanged: flags.all })
  })
  const { title, changes } = how
  const table = differencesTable(found, {
    title,
    revisions,
    changes,
    paths: !flags.noPath,
    shown: (path) => here.shown(path),
    ...(how.precision === undefined ? {} : { precision: flags.precision ?? how.precision }),
  })
  say(
    flags,
    differencesJson(found, (path) => here.shown(path)),
    tableText(table, { markdown: flags.md }),
  )
}

/** Opens the project's views, and ends the process that reads its history. */
export async function withViews(
  here: CalledIn,
  work: (views: ProjectViews) => Promise<void>,
): Promise<void> {
  try {
    await work(await here.views())
  } finally {
    here.revisions?.close()
  }
}

/** Files that could not be read are named, and the others shown. */
export function warnOf(names: readonly string[], all: readonly (Figures | undefined)[]): void {
  for (const [at, figures] of all.entries())
    for (const [path, file] of figures ?? [])
      if (file.kind !== 'read')
        process.stderr.write(
          file.kind === 'missing'
            ? `${path} does not exist in ${names[at]}\n`
            : `could not read a file of ${names[at]}: ${file.message}\n`,
        )
}
