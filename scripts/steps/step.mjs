import { spawn } from 'node:child_process'
import { basename, delimiter, join } from 'node:path'
import { holdFor } from './lock.mjs'
import { root } from './places.mjs'

// Everything in this folder runs before anything is installed: plain JavaScript, Node 18 or newer, no packages.

/** A step that could not be made, with the last lines of the tool that failed and what a person can do about it. */
export class SetupProblem extends Error {
  constructor(message, { output = '', remedy = '' } = {}) {
    super(message)
    this.name = 'SetupProblem'
    this.output = output
    this.remedy = remedy
  }
}

/** Does one step and prints one line about it, on stderr so that a command's own output stays clean. */
export async function step(name, work) {
  const begunMs = performance.now()
  const seconds = () => ((performance.now() - begunMs) / 1000).toFixed(1)
  try {
    const made = await work()
    console.error(`setup: ${name}: done in ${seconds()} s`)
    return made
  } catch (error) {
    console.error(`setup: ${name}: failed after ${seconds()} s`)
    throw error
  }
}

/** What a person reads when a step failed. */
export function explain(error) {
  if (!(error instanceof SetupProblem)) return String(error?.stack ?? error)
  const output = error.output === '' ? '' : `\n${error.output.replace(/^/gm, '  | ')}`
  return `${error.message}${output}${error.remedy === '' ? '' : `\nWhat to do: ${error.remedy}`}`
}

/** Lines of a failed tool that are shown of its beginning, where npm says why, and of its end, where most others do. */
const SHOWN_LINES = 15

/** Runs a tool in silence; its last lines appear only if it fails. */
export function run(command, args, { remedy, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], ...options })
    if (child.pid !== undefined) holdFor(child)
    let output = ''
    const keep = (chunk) => {
      output = (output + chunk).slice(-100_000)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.on('error', (error) =>
      reject(new SetupProblem(`${command} could not be started: ${error.message}`, { remedy })),
    )
    child.on('close', (code, signal) => {
      if (code === 0) return resolve(output)
      const how = signal ? `was ended by ${signal}` : `ended with code ${code}`
      const called = [basename(command), ...args].join(' ')
      reject(new SetupProblem(`${called} ${how}`, { output: shortened(output), remedy }))
    })
  })
}

function shortened(output) {
  const lines = output.trimEnd().split('\n')
  if (lines.length <= 2 * SHOWN_LINES) return lines.join('\n')
  const left = lines.length - 2 * SHOWN_LINES
  return [
    ...lines.slice(0, SHOWN_LINES),
    `… ${left} more lines …`,
    ...lines.slice(-SHOWN_LINES),
  ].join('\n')
}

/** PATH without this project's own node_modules/.bin, so that the machine's own tools are found. */
export function systemPath() {
  const own = join(root, 'node_modules')
  return (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '' && !folder.startsWith(own))
    .join(delimiter)
}
