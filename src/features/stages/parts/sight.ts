import { relative } from 'node:path'
import type { Sight, SightReport } from '../running/sight.ts'
import type { Stage } from '../stage.ts'
import type { Execution } from '../store.ts'
import { objectionOf, reportOf, type Watching } from '../running/watching.ts'

/** Keeps the processes of a stage's parts to what the stage declares, and gathers what was seen of all of them. */
export interface PartsWatch {
  /** What looks at undeclared things must not be kept. */
  readonly isStrict: boolean
  /** For a process that works in these folders; undefined where it may see all that there is. */
  sightIn(folders: { input: readonly string[]; output: string }): Sight | undefined
  /** For the commands that run over what all parts gave. */
  sightOver(output: string): Sight | undefined
  /** Takes in what was seen; whether the result may be kept. */
  take(execution: Execution): boolean
  /** What is to be said against all that was seen, where the stage is kept to what it declares. */
  objection(): string | null
  report(): SightReport | undefined
}

export function watchParts(
  stage: Stage,
  how: { watching: Watching | undefined; root: string; onOutput: (text: string) => void },
): PartsWatch {
  const { watching, root, onOutput } = how
  const sight = watching?.sight
  const findings = new Map<string, SightReport['findings'][number]>()
  let whole: SightReport | undefined
  const report = () => whole && { ...whole, findings: [...findings.values()] }
  return {
    isStrict: watching?.watch === 'strict',
    sightIn: ({ input, output }) =>
      sight === undefined
        ? undefined
        : {
            ...sight,
            reads: [...sight.reads, ...input.map((folder) => relative(root, folder))],
            writes: [],
            grows: [relative(root, output)],
          },
    sightOver: (output) =>
      sight === undefined
        ? undefined
        : {
            ...sight,
            reads: [...sight.reads, output],
            writes: sight.writes.filter((path) => path !== output),
          },
    take: (execution) => {
      if (watching === undefined) return true
      const seen = reportOf(stage, watching, execution)
      const fresh = seen.findings.filter(({ kind, what }) => !findings.has(`${kind} ${what}`))
      for (const each of fresh) findings.set(`${each.kind} ${each.what}`, each)
      whole = merged(whole, seen)
      if (seen.watch === 'strict') return objectionOf(stage, seen) === null
      const objection = objectionOf(stage, { ...seen, findings: fresh })
      if (objection !== null) onOutput(`not declared:\n  ${objection}\n`)
      return true
    },
    objection: () => {
      const all = report()
      return all?.watch === 'strict' ? objectionOf(stage, all) : null
    },
    report,
  }
}

const RANK = { clean: 0, unknown: 1, undeclared: 2 } as const

/** The worse of the two. */
function merged(before: SightReport | undefined, now: SightReport): SightReport {
  return before === undefined || RANK[now.outcome] > RANK[before.outcome] ? now : before
}
