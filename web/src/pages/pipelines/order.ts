import { shellWord } from '#web/ui/format.ts'
import type { PipelineOrder } from '#web/api/pipelines.ts'

/** A run as somebody types it. */
export interface Written {
  readonly project: string
  readonly rev: string
  readonly targets: readonly string[]
  /** One a line. */
  readonly overrides: string
  /** One a line, as `NAME=value`. */
  readonly variables: string
  readonly force: boolean
}

/** What is asked for; what was left empty is left out. */
export function orderIn(written: Written): PipelineOrder {
  const { project, targets, force } = written
  const rev = written.rev.trim()
  const overrides = linesIn(written.overrides)
  const variables = linesIn(written.variables).map((line): [string, string] => {
    const at = line.indexOf('=')
    return at === -1 ? [line, ''] : [line.slice(0, at).trim(), line.slice(at + 1)]
  })
  return {
    project,
    ...(rev === '' ? {} : { rev }),
    ...(targets.length === 0 ? {} : { targets }),
    ...(overrides.length === 0 ? {} : { overrides }),
    ...(variables.length === 0 ? {} : { variables: Object.fromEntries(variables) }),
    ...(force ? { force } : {}),
  }
}

function linesIn(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

/** The command that asks for the same. */
export function commandOf(order: PipelineOrder): string {
  const { project, rev, targets = [], overrides = [], variables = {}, force } = order
  return [
    'orrery run',
    shellWord(rev === undefined ? project || 'PROJECT' : `${project}@${rev}`),
    ...targets.map(shellWord),
    ...overrides.map((each) => `-S ${shellWord(each)}`),
    ...Object.entries(variables).map(([name, value]) => `-e ${shellWord(`${name}=${value}`)}`),
    ...(force === true ? ['--force'] : []),
  ].join(' ')
}
