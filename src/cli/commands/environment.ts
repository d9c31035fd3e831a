import { command } from '../command.ts'

export const environment = command({
  command: 'environment',
  describe: 'Build the Python environment of the project, once, and show it',
  builder: (argv) => argv,
  handler: async (flags) => {
    const { calledIn, say } = await import('../workspace.ts')
    const { environments } = calledIn()
    const { record } = await environments.prepare(undefined, (line) => {
      if (flags.json !== true) process.stderr.write(`${line}\n`)
    })
    say(flags, { environment: record }, [
      record === null
        ? 'orrery.yaml names no requirements, so stages run in what the machine has.'
        : `${record.python} on ${record.os}, ${record.lock.trim().split('\n').length} packages, digest ${record.digest.slice(0, 12)}`,
    ])
  },
})
