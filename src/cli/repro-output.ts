import type { Reason, ReproEvent, ReproResult } from '#stages'
import { linePrefixer } from './line-prefixer.ts'

function write(text: string): void {
  process.stdout.write(text)
}

export type Explainer = (
  decided: { step: string; reason: string; reasons?: readonly Reason[] },
  words: string,
) => string[]

/** What makes a stage run: the first reason behind its name, or all of them below it. */
export async function explainer(all: boolean): Promise<Explainer> {
  const { explained } = await import('#stages')
  return ({ step, reason, reasons = [] }, words) =>
    all && reasons.length > 0
      ? [`${step}: ${words}`].concat(reasons.map((each) => `  ${explained(each)}`))
      : [`${step}: ${words} (${reason})`]
}

/** Tells people what happens, as it does; the quiet hear of stages themselves and of failures only. */
export function printer(
  explain: Explainer,
  { quiet = false }: { quiet?: boolean | undefined } = {},
): (event: ReproEvent) => void {
  const told = teller(explain)
  return (event) => {
    const isLoud =
      event.kind === 'output' || (event.kind === 'finished' && event.step.failure !== null)
    if (isLoud || !quiet) told(event)
  }
}

function teller(explain: Explainer): (event: ReproEvent) => void {
  const lines = linePrefixer(write)
  return (event) => {
    if (event.kind === 'decided' && event.action !== 'up-to-date')
      write(`${explain(event, WORDS[event.action]).join('\n')}\n`)
    else if (event.kind === 'started')
      for (const each of event.commands) write(`${event.step} > ${each}\n`)
    else if (event.kind === 'output') lines.add(event.step, event.text)
    else if (event.kind === 'progress') write(`${event.text}\n`)
    else if (event.kind === 'finished') {
      lines.flush(event.step.name)
      if (event.step.failure !== null) write(`${event.step.name}: failed: ${event.step.failure}\n`)
      else if (event.step.action === 'run')
        write(`${event.step.name}: done in ${(event.step.durationMs / 1000).toFixed(1)} s\n`)
    }
  }
}

const WORDS = {
  run: 'running',
  restored: 'restored from the cache',
  committed: 'taken as it is',
  skipped: 'skipped',
  waiting: 'waits for approval',
  'up-to-date': 'up to date',
} as const

/** Keeps standard output for JSON. */
export function toStandardError(): (event: ReproEvent) => void {
  const lines = linePrefixer((text) => process.stderr.write(text))
  return (event) => {
    if (event.kind === 'output') lines.add(event.step, event.text)
    else if (event.kind === 'finished') lines.flush(event.step.name)
  }
}

/** What became of all steps. */
export function summary(result: ReproResult): string[] {
  const count = (action: string) =>
    result.steps.filter((step) => step.action === action && step.failure === null).length
  const failed = result.steps.filter((step) => step.failure !== null && step.action !== 'skipped')
  if (failed.length === 0 && result.steps.every((step) => step.action === 'up-to-date'))
    return ['Data and pipelines are up to date.']
  const parts = [
    `${count('run')} run`,
    `${count('restored')} restored from the cache`,
    `${count('up-to-date')} up to date`,
    ...(failed.length > 0 ? [`${failed.length} failed; their old outputs are as they were`] : []),
  ]
  return [parts.join(', ')]
}
