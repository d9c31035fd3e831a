import { shortTime } from '../progress.ts'

/** What an import did, as it is told at the end. */
export interface Report {
  readonly source: string
  readonly target: string
  readonly dryRun: boolean
  readonly experiments: Record<'new' | 'renumbered' | 'merged' | 'changed' | 'same', number>
  readonly runs: Counted
  readonly loggedModels: Counted
  readonly registeredModels: Counted
  readonly versions: { new: number; changed: number }
  points: number
  files: number
  bytes: number
  /** Files that were left in the store of their own where they are, S3 say. */
  elsewhere: number
  /** What is known under another number or joined another experiment here. */
  readonly renamed: {
    readonly id: string
    readonly name: string
    readonly as: string
    readonly why: string
  }[]
  /** What was not taken, and why. */
  readonly skipped: { readonly what: string; readonly id: string; readonly reason: string }[]
  /** What is here and differs from there. */
  readonly differences: {
    readonly what: string
    readonly id: string
    readonly difference: string
  }[]
  verified: 'no' | 'counts' | 'full'
  seconds: number
}

interface Counted {
  new: number
  changed: number
  same: number
}

function counted(): Counted {
  return { new: 0, changed: 0, same: 0 }
}

export function newReport(source: string, target: string, dryRun: boolean): Report {
  return {
    source,
    target,
    dryRun,
    experiments: { ...counted(), renumbered: 0, merged: 0 },
    runs: counted(),
    loggedModels: counted(),
    registeredModels: counted(),
    versions: { new: 0, changed: 0 },
    points: 0,
    files: 0,
    bytes: 0,
    elsewhere: 0,
    renamed: [],
    skipped: [],
    differences: [],
    verified: 'no',
    seconds: 0,
  }
}

const SHOWN_MAX = 20

export function reportLines(report: Report): string[] {
  const { experiments, versions, skipped, differences, renamed } = report
  const made = experiments.new + experiments.renumbered + experiments.merged
  return [
    `${report.dryRun ? 'Would be imported' : 'Imported'} from ${report.source} to ${report.target} in ${shortTime(report.seconds)}`,
    `  experiments        ${made} new, ${experiments.changed} changed, ${experiments.same} as they were`,
    `  runs               ${counts(report.runs)}`,
    ...(report.dryRun ? [] : [`  points of metrics  ${report.points}`]),
    `  logged models      ${counts(report.loggedModels)}`,
    `  registered models  ${counts(report.registeredModels)}`,
    `  versions           ${versions.new} new, ${versions.changed} changed`,
    ...(report.dryRun
      ? []
      : [`  files              ${report.files}, ${(report.bytes / 1e6).toFixed(1)} MB`]),
    ...(report.elsewhere > 0
      ? [`  ${report.elsewhere} keep their files in a store of their own, where they stay`]
      : []),
    ...renamed.map(({ id, name, as, why }) => `  ${id} (${name}) is ${as} here: ${why}`),
    ...listed(
      'not imported',
      skipped.map(({ what, id, reason }) => `${what} ${id}: ${reason}`),
    ),
    ...listed(
      'DIFFERENT here',
      differences.map(({ what, id, difference }) => `${what} ${id}: ${difference}`),
    ),
    ...(report.dryRun || report.verified === 'no' || differences.length > 0
      ? []
      : [
          `  verified           ${report.verified === 'full' ? 'everything, file by file' : 'counts of all that was read'}`,
        ]),
  ]
}

function counts({ new: made, changed, same }: Counted): string {
  return `${made} new, ${changed} changed, ${same} as they were`
}

function listed(title: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return []
  const more = lines.length - SHOWN_MAX
  return [
    `  ${title}:`,
    ...lines.slice(0, SHOWN_MAX).map((line) => `    ${line}`),
    ...(more > 0 ? [`    … and ${more} more; --json lists them all`] : []),
  ]
}
